// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's side of its media workers: starts, supervises and talks to them. Main loop thread
// only.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dragoman {

/// A pipeline to run: `id` is the caller's, unique among those running; `file` a path; `parameters`
/// by name; `knobs`: what they stand at when it begins, by name, as gst-launch reads the property.
struct PipelineRequest {
  std::string id;
  std::string file;
  std::map<std::string, std::string> parameters, knobs;
};

class WorkersListener {
 public:
  virtual ~WorkersListener() = default;
  /// An element message (plugins/common/messages.h); `fields` is a{sv}, borrowed for the call.
  virtual void on_pipeline_message(const std::string& id, const std::string& name,
                                   GVariant* fields) = 0;
  /// The pipeline is gone and will not be started again. reason: "stopped", "eos", "error".
  virtual void on_pipeline_ended(const std::string& id, const std::string& reason,
                                 const std::string& detail) = 0;
  /// A worker died and its pipelines, `ids`, play again in a new one, with the parameters last
  /// known. Without pipelines `ids` is empty.
  virtual void on_worker_restarted(const std::vector<std::string>& ids) = 0;
};

/// The media workers. A worker that dies is replaced at once and its pipelines are started again
/// with the same request (and the properties and knobs set since); one that dies again and again is
/// given up with Ended "error".
class Workers {
 public:
  struct Options {
    std::string program;                             ///< the dragoman executable
    int count = 1;                                   ///< workers to keep
    std::map<std::string, std::string> environment;  ///< added to ours
  };
  using StartDone =
      std::function<void(const std::string& error, int port)>;  ///< error empty: it plays

  Workers(Options options, WorkersListener& listener);
  ~Workers();  ///< ends the workers: SIGTERM, after 5 s SIGKILL
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Starts a pipeline; both legs of a conversation must name the same `group` to share a worker
  /// (channels do not cross processes).
  void start(const PipelineRequest& request, const std::string& group, StartDone done);
  /// Ends a pipeline; on_pipeline_ended comes after its last message. Unknown ids are ignored.
  void stop(const std::string& id);
  /// value: floating references are taken.
  void set_property(const std::string& id, const std::string& element, const std::string& property,
                    GVariant* value);
  /// `value` as set_property(). Of a pipeline that does not play yet it is what it begins with, and
  /// there is no old value.
  void set_knob(const std::string& id, const std::string& knob, GVariant* value,
                std::function<void(const std::string& error, GVariant* old_value)> done);
  void say(const std::string& group, const std::string& channel, const std::string& language,
           const std::string& text);
  std::vector<GPid> pids() const;
  struct Status {
    GPid pid = 0;  ///< 0: none, it died again and again
    bool ready = false;
    std::vector<std::string> pipelines;  ///< ids; those that wait for a worker, too
    uint64_t restarts = 0;               ///< since the start
  };
  std::vector<Status> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dragoman
