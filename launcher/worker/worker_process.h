// SPDX-License-Identifier: LGPL-2.1-or-later
// One media worker process, seen from the launcher: started, called, ended.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "plugins/common/handles.h"

namespace dragoman {

class WorkerProcessListener {
 public:
  virtual ~WorkerProcessListener() = default;
  /// It can be called.
  virtual void on_worker_ready() = 0;
  virtual void on_worker_message(const std::string& id, const std::string& name,
                                 GVariant* fields) = 0;
  virtual void on_worker_ended(const std::string& id, const std::string& reason,
                               const std::string& detail) = 0;
  /// The process is gone, with its children. Last call; the object may be destroyed in it.
  virtual void on_worker_gone(const std::string& how) = 0;
};

/// Main context's thread only.
class WorkerProcess {
 public:
  /// error empty: `result` is the method's answer, borrowed. `lost`: the worker died or hung before
  /// it answered.
  using Answer = std::function<void(const std::string& error, bool lost, GVariant* result)>;

  /// Starts it. Null, with `error`, if that fails.
  static std::unique_ptr<WorkerProcess> spawn(const std::string& program,
                                              const std::map<std::string, std::string>& environment,
                                              WorkerProcessListener& listener, std::string& error);
  /// Kills it if it lives; no listener call comes after.
  ~WorkerProcess();

  bool ready() const;
  /// Calls a method of worker.xml; `answer` may be empty, and does not come after the destruction.
  void call(const char* method, GVariant* arguments, Answer answer);
  void terminate();  ///< SIGTERM: it ends its pipelines and exits
  void kill();       ///< SIGKILL
  GPid pid() const;  ///< 0 once it is gone
  /// Blocks until it is gone, at most until `deadline` (monotonic µs).
  bool wait(gint64 deadline);

 private:
  struct Impl;
  explicit WorkerProcess(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace dragoman
