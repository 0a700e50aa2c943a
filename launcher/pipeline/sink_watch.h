// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether what files hold arrives anywhere.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>

namespace dragoman {

/// A decoder that finds no samples behind a header says nothing: the pipeline ends at once, and
/// well. This notices. Costs nothing after each sink's first buffer. Any thread.
class SinkWatch {
 public:
  /// Watches the sinks that `pipeline` has; to be called before it starts.
  explicit SinkWatch(GstElement* pipeline);

  /// The location of a file source of which nothing has reached any sink behind it; empty if there
  /// is none, or no telling (the source is within a bin). To be called when the pipeline has ended
  /// by itself, and before it is stopped.
  std::string unheard_file() const;

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;

  void watch(GstElement* sink);
  bool is_unheard(GstElement* source) const;

  GstElement* pipeline_;  ///< outlives this
  std::map<GstElement*, Flag> reached_;
};

}  // namespace dragoman
