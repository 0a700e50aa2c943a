// SPDX-License-Identifier: LGPL-2.1-or-later
// The client of Asterisk's REST interface: requests, and the events of one application over a
// WebSocket that is connected again when it drops. Main loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "launcher/ari/events.h"
#include "launcher/ari/http.h"

namespace dragoman::ari {

class ClientListener {
 public:
  virtual ~ClientListener() = default;
  /// Events come from now on. What happened before, or while there was no connection, has not been
  /// told: list channels and bridges and reconcile.
  virtual void on_connected() = 0;
  /// No events until on_connected(). Calls go on in Asterisk.
  virtual void on_disconnected() = 0;
  virtual void on_event(const Event& event) = 0;
  /// The first connection cannot be made and trying again would not help; `message` is for the
  /// user. The client has stopped.
  virtual void on_refused(const std::string& message) = 0;
};

/// Before connecting the client asks whether another launcher has the application: a user event
/// "DragomanClaim" with a nonce goes to the application; a launcher that has it answers by setting
/// the global variable DRAGOMAN_OWNER to that nonce, its host and its process id. (The list of
/// applications is not enough: Asterisk keeps listing one that lost its client while calls are in
/// it.)
class Client {
 public:
  using Done = ReplyDone;
  struct Options {
    Access access;
    std::string application;
    int claim_ms = 1500;          ///< how long another launcher may take to answer the claim
    int heartbeat_ms = 10000;     ///< between checks that the application is still ours
    int backoff_first_ms = 500;   ///< after a failed attempt …
    int backoff_last_ms = 15000;  ///< … at most
    int silent_claims = 6;  ///< after being replaced: so many unanswered claims mean it is gone
    int attempts_to_find_ari = 6;  ///< "no ARI there" this often at the start is a refusal
  };

  explicit Client(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects, and tells `listener`, which outlives the client or its main loop.
  void start(ClientListener& listener);
  bool connected() const { return status().connected; }
  struct Status {
    bool connected = false;
    uint64_t since = 0;      ///< UTC ns, that it is so
    std::string last_error;  ///< for the user; empty while connected
  };
  Status status() const;

  void answer(const std::string& channel, Done done);
  void create_bridge(const std::string& bridge, Done done);  ///< of type mixing
  void add_channel(const std::string& bridge, const std::string& channel, Done done);
  /// The channel, in the reply's body, sends its audio to host:port in `format` and enters the
  /// application: its StasisStart may come before the reply.
  void external_media(const std::string& channel, const std::string& host_and_port,
                      const std::string& format, Done done);
  /// Ends a channel; `cause` is Q.850 (0: normal).
  void hang_up(const std::string& channel, int cause, Done done);
  void destroy_bridge(const std::string& bridge, Done done);
  void list_channels(std::function<void(bool ok, std::vector<Channel>)> done);
  void list_bridges(std::function<void(bool ok, std::vector<Bridge>)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dragoman::ari
