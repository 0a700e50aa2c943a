// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts each route's pipelines once, without a call, so that the first caller need not wait for
// models to load, and so that what is missing is said at the start. Main loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "launcher/calls/media_workers.h"

namespace dragoman {

class Rehearsal {
 public:
  /// `folder`, which need not exist, takes what pipelines write meanwhile; it is removed after.
  Rehearsal(MediaWorkers& workers, std::string folder);
  ~Rehearsal();

  /// The pipeline `request` (all but id, port and audio) of `extension`, as worker number `worker`
  /// would run it.
  struct Part {
    PipelineRequest request;
    std::string extension;
    int worker = 0;
  };
  void start(std::vector<Part> parts);

  /// True, and dealt with, if the pipeline is one of these.
  bool on_message(const std::string& id, const std::string& name, GVariant* fields);
  bool on_ended(const std::string& id, const std::string& reason, const std::string& detail);
  bool over() const { return running_.empty(); }
  /// Called when the last has ended; `failed` names the extensions that cannot be served.
  void when_over(std::function<void(const std::set<std::string>& failed)> callback) {
    on_over_ = std::move(callback);
  }

 private:
  void after_start(const std::string& id, const std::string& error);
  void fail(const std::string& id, const std::string& error);
  void forget(const std::string& id);
  void remove_folder();

  MediaWorkers& workers_;
  const std::string folder_;
  std::map<std::string, std::string> running_;  ///< extension by the pipeline's id
  std::set<std::string> failed_;                ///< extensions
  std::function<void(const std::set<std::string>& failed)> on_over_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace dragoman
