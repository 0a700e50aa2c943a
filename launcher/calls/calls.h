// SPDX-License-Identifier: LGPL-2.1-or-later
// All calls of this launcher: what Asterisk and the workers tell becomes sessions, traces and rows.
// Main loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "launcher/ari/client.h"
#include "launcher/calls/call_knobs.h"
#include "launcher/calls/recorder.h"
#include "launcher/calls/rehearsal.h"
#include "launcher/calls/reporter.h"
#include "launcher/calls/session.h"
#include "launcher/calls/traces.h"
#include "launcher/worker/workers.h"

namespace dragoman {

/// What a route's pipeline file is and which parameters it declares.
struct RoutePipeline {
  std::string file;
  std::set<std::string> parameters;
};

/// The parameters that this project's pipeline files know, as far as the route's file declares
/// them.
PipelineRequest pipeline_request(const Config& config, const Route& route,
                                 const RoutePipeline& pipeline, const std::string& trace_id,
                                 const std::string& asterisk_address);

class Calls : public ari::ClientListener, public WorkersListener, public SessionListener {
 public:
  struct Tools {
    ari::Client& client;
    MediaWorkers& workers;
    Recorder& recorder;
    Reporter& reporter;
    const Config& config;
    std::map<std::string, RoutePipeline> pipelines;  ///< by extension
    std::string asterisk_address;                    ///< that RTP comes from; empty: not known
    /// Files that a dead worker closed without a message become rows.
    std::function<void(const std::string& trace_id)> mend;
    std::function<void(const std::string& message)> refused;  ///< ClientListener::on_refused
    CallKnobs* knobs = nullptr;                               ///< null: none are set
  };

  explicit Calls(Tools tools);
  ~Calls() override;

  /// Plays every route's pipeline once in each worker: see Rehearsal.
  void rehearse();

  /// Ends all calls; `done` comes when nothing is left, or after 12 s. No call is taken any more.
  void shut_down(std::function<void()> done);
  size_t count() const { return sessions_.size(); }
  /// All, those that end included; each for as long as the main loop is not run.
  std::vector<const Session*> sessions() const;
  size_t ports_taken() const { return ports_.taken(); }

  void on_connected() override;
  void on_disconnected() override;
  void on_event(const ari::Event& event) override;
  void on_refused(const std::string& message) override { tools_.refused(message); }

  void on_pipeline_message(const std::string& id, const std::string& name,
                           GVariant* fields) override;
  void on_pipeline_ended(const std::string& id, const std::string& reason,
                         const std::string& detail) override;
  void on_worker_restarted(const std::vector<std::string>& ids) override;

  void on_session_up(Session& session) override;
  void on_session_ending(Session& session) override;
  void on_session_ended(Session& session) override;

 private:
  using SessionPtr = std::shared_ptr<Session>;

  void take(const ari::Channel& channel, const std::vector<std::string>& arguments);
  void after_rehearsal(const std::set<std::string>& failed);
  void refuse(const ari::Channel& channel, const std::string& extension, const std::string& why,
              int cause);
  PipelineRequest pipeline_for(const Route& route, const std::string& trace_id) const;
  void start_alone_timer(const std::string& trace_id, int ms, const std::string& reason);

  void reconcile();
  void reconcile_channels(const std::vector<ari::Channel>& channels,
                          const std::vector<SessionPtr>& known);
  void reconcile_bridges(const std::vector<ari::Bridge>& bridges,
                         const std::vector<SessionPtr>& known);
  bool is_ours(const ari::Channel& channel) const;

  SessionPtr by_phone(const std::string& channel) const;
  SessionPtr by_media(const std::string& channel) const;
  SessionPtr by_leg(const std::string& leg) const;
  SessionPtr by_bridge(const std::string& bridge) const;
  std::vector<SessionPtr> of_trace(const std::string& trace_id) const;
  void on_channel_gone(const ari::Channel& channel, const std::string& reason);
  void check_shut_down();

  Tools tools_;
  Traces traces_;
  Ports ports_;
  Sweeper sweeper_;
  Rehearsal rehearsal_;
  std::map<std::string, SessionPtr> sessions_;           ///< by leg
  std::map<std::string, std::unique_ptr<Timer>> alone_;  ///< by trace: the one left waits no longer
  Timer relist_;
  Timer shut_down_timer_;
  std::function<void()> shut_down_done_;
  bool stopping_ = false;
};

}  // namespace dragoman
