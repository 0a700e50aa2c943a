// SPDX-License-Identifier: LGPL-2.1-or-later
// One caller: from StasisStart until nothing of it is left in Asterisk, the worker or the ports.
// Main loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "launcher/ari/client.h"
#include "launcher/calls/media_workers.h"
#include "launcher/calls/ports.h"
#include "launcher/calls/sweeper.h"
#include "launcher/util/config.h"
#include "launcher/util/timer.h"

namespace dragoman {

class Session;

class SessionListener {
 public:
  virtual ~SessionListener() = default;
  /// Set-up is complete: the caller is heard and hears.
  virtual void on_session_up(Session& session) = 0;
  /// It begins to end: the caller is lost to the conversation.
  virtual void on_session_ending(Session& session) = 0;
  /// Nothing is left but what the sweeper still deletes.
  virtual void on_session_ended(Session& session) = 0;
};

/// States in the order in which a call goes through them (pipeline before pick-up, so that no one
/// is answered who cannot be served). Each but kUp waits for exactly one answer; the end may come
/// in any.
enum class SessionState {
  kStartingPipeline,
  kAnswering,
  kBridging,
  kJoiningPhone,
  kMakingMedia,
  kAwaitingMedia,
  kJoiningMedia,
  kUp,
  kEnding,
  kEnded,
};
const char* name_of(SessionState state);

class Session : public std::enable_shared_from_this<Session> {
 public:
  struct Call {
    Route route;
    std::string trace_id;
    std::string leg;           ///< id of the pipeline: names::leg()
    std::string channel;       ///< the phone's, in Asterisk
    std::string caller;        ///< the number that calls
    PipelineRequest pipeline;  ///< all but the port and the knobs
    /// What its knobs stand at now; empty: it has none. Asked at each start of the pipeline.
    std::function<std::map<std::string, std::string>()> knobs;
    std::string asterisk_address;  ///< that RTP comes from, unless Asterisk says otherwise
  };
  struct Tools {
    ari::Client& client;
    MediaWorkers& workers;
    Ports& ports;
    Sweeper& sweeper;
    const Config& config;
    SessionListener& listener;
  };
  /// Milliseconds after the call came in (StasisStart); negative: not reached.
  struct Times {
    double answered_ms = -1, up_ms = -1, first_media_ms = -1;
  };

  Session(Call call, Tools tools);

  void start();
  /// Ends the call for `reason`, shown to the user; `cause` is Q.850, told to the phone.
  void end(const std::string& reason, int cause = 0);

  // What happens to it.
  void on_phone_gone(const std::string& reason);  ///< its channel ended or left the application
  void on_media_entered();                        ///< its media channel's StasisStart
  void on_media_gone();                           ///< its media channel ended
  void on_bridge_gone();
  void on_media_started();  ///< first RTP packet
  void on_pipeline_ended(const std::string& reason, const std::string& detail);

  const Call& call() const { return call_; }
  const std::string& media_channel() const { return media_channel_; }
  const std::string& bridge() const { return bridge_; }
  SessionState state() const { return state_; }
  const Times& times() const { return times_; }
  const std::string& end_reason() const { return end_reason_; }
  bool ending() const { return state_ >= SessionState::kEnding; }
  double age_ms() const;

 private:
  using Step = void (Session::*)(const ari::Reply&);
  ari::ReplyDone then(const char* what, Step step);
  void start_pipeline();
  void after_pipeline_start(const std::string& error, int port);
  void after_answer(const ari::Reply&);
  void after_bridge(const ari::Reply&);
  void after_phone_joined(const ari::Reply&);
  void after_media(const ari::Reply& reply);
  void join_media();
  void after_media_joined(const ari::Reply&);
  void tidy();
  void finish();

  Call call_;
  Tools tools_;
  std::string media_channel_, bridge_;
  SessionState state_ = SessionState::kStartingPipeline;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Times times_;
  Timer timer_;
  std::string end_reason_;
  int end_cause_ = 0, port_ = 0, port_bound_ = 0, port_tries_ = 0;
  bool awaiting_ = false;  ///< an answer is under way: tidying waits for it
  bool pipeline_plays_ = false, bridge_asked_ = false, media_asked_ = false;
  bool media_entered_ = false, phone_gone_ = false;
};

}  // namespace dragoman
