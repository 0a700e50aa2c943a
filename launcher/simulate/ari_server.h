// SPDX-License-Identifier: LGPL-2.1-or-later
// A small ARI server that stands in for Asterisk, where there is none: HTTP and WebSocket on
// loopback, the part of ARI that the launcher uses, behaving as Asterisk 22 was measured to. It
// carries no audio: RtpPhone does.
//
//   AriServer server({.application = "dragoman", .user = "u", .password = "p"});
//   … point the client at server.url() and run the main loop until server.clients() == 1 …
//   std::string channel = server.place_call("3333");   // StasisStart goes out
//   server.hang_up(channel);                           // ChannelHangupRequest, StasisEnd
//   EXPECT_TRUE(server.channels().empty() && server.bridges().empty());
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "launcher/simulate/switchboard.h"

namespace dragoman {

struct AriServerOptions {
  std::string application = "dragoman";
  std::string user = "dragoman";
  std::string password = "dragoman";
  int port = 0;  ///< 0 picks a free one
  /// From the request for an external-media channel to its StasisStart; until then it cannot be
  /// added to a bridge (422). 0: the StasisStart comes before the reply, as Asterisk's may.
  int external_media_start_ms = 5;
};

/// What a test wants to go wrong; all of it can be changed at any time.
struct AriMisbehaviour {
  bool refuse_credentials = false;  ///< 401 to every request
  int fail_requests = 0;            ///< so many next requests are answered with 500
  std::string fail_matching;        ///< only those whose "METHOD path" contains this
  int delay_ms = 0;                 ///< each reply waits so long
  bool never_reply = false;         ///< requests hang
  bool malformed_replies = false;   ///< bodies are cut in the middle
  bool malformed_events = false;    ///< events are cut in the middle
  bool duplicate_events = false;    ///< each event is sent twice
  bool lose_events = false;         ///< no event is sent
};

/// Lives on, and calls back in, the thread-default main context of its maker.
class AriServer {
 public:
  /// Listens at once; throws std::runtime_error if the port is taken. `media`, if not null, is told
  /// what concerns audio (all but on_event) and outlives the server.
  explicit AriServer(AriServerOptions options = {}, SwitchboardListener* media = nullptr);
  ~AriServer();
  AriServer(const AriServer&) = delete;
  AriServer& operator=(const AriServer&) = delete;

  int port() const;
  /// "http://127.0.0.1:PORT/ari"
  std::string url() const;

  // The phones.

  /// A phone dials `extension`; the channel's id, or "" if no client has the application (the
  /// caller would hear 603).
  std::string place_call(const std::string& extension, const std::string& caller = "1001");
  /// The phone hangs up. Unknown channels are ignored.
  void hang_up(const std::string& channel_id);

  // What there is.

  std::vector<SimulatedChannel> channels() const;  ///< phones and external media
  std::vector<SimulatedBridge> bridges() const;
  const SimulatedChannel* channel(const std::string& id) const;
  /// WebSockets that get the application's events: 0 or 1.
  int clients() const;
  /// Every request so far, as "METHOD /path?query" without "/ari", in order.
  const std::vector<std::string>& requests() const;

  // What goes wrong.

  AriMisbehaviour misbehave;
  /// Cuts every WebSocket without a closing frame; calls go on.
  void drop_websockets();
  /// Stops listening and cuts every connection, as a dead Asterisk; calls are forgotten.
  void die();
  /// Listens again, on the same port, after die().
  void revive();
  /// Sends `text` as an event, whatever it is.
  void send_raw(const std::string& text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dragoman
