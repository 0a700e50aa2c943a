// SPDX-License-Identifier: LGPL-2.1-or-later
// The media worker: runs many pipelines, told by its launcher over a D-Bus connection.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace dragoman {

/// Serves worker.xml on one connection. Main context's thread only; state changes, which may block,
/// happen elsewhere.
class MediaWorker {
 public:
  /// Registers itself on `connection`.
  explicit MediaWorker(GDBusConnection* connection);
  ~MediaWorker();
  MediaWorker(const MediaWorker&) = delete;
  MediaWorker& operator=(const MediaWorker&) = delete;

  /// Ends all pipelines, refuses new ones, and calls `done` once none is left.
  void shut_down(std::function<void()> done);

 private:
  class Item;
  using Method = GVariant* (MediaWorker::*)(GVariant* arguments, GDBusMethodInvocation* invocation,
                                            std::string& error);

  void call(const std::string& method, GVariant* arguments, GDBusMethodInvocation* invocation);
  GVariant* start(GVariant* arguments, GDBusMethodInvocation* invocation, std::string& error);
  GVariant* stop(GVariant* arguments, GDBusMethodInvocation* invocation, std::string& error);
  GVariant* set_property(GVariant* arguments, GDBusMethodInvocation* invocation,
                         std::string& error);
  GVariant* set_knob(GVariant* arguments, GDBusMethodInvocation* invocation, std::string& error);
  GVariant* say(GVariant* arguments, GDBusMethodInvocation* invocation, std::string& error);
  GVariant* list(GVariant* arguments, GDBusMethodInvocation* invocation, std::string& error);
  Item* find(const std::string& id, std::string& error);
  void emit(const char* signal, GVariant* arguments);
  void remove(const std::string& id);

  GDBusConnection* connection_;
  guint registration_ = 0;
  bool shutting_down_ = false;
  std::function<void()> shut_down_done_;
  std::map<std::string, std::unique_ptr<Item>> items_;
};

}  // namespace dragoman
