// SPDX-License-Identifier: LGPL-2.1-or-later
// The latency of the pipeline that an element is part of.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>

namespace dragoman {

/// Asks the pipeline with a LATENCY query, as gst_element_query() does, but from a thread of
/// GStreamer's pool: a streaming thread that asks the whole pipeline could wait for itself, as the
/// query passes elements that it holds locks of. The element is kept until the answer is there;
/// nobody waits for it. request() asks for memory: once a bucket is enough. request() and take() by
/// one thread at a time.
class PipelineLatency {
 public:
  PipelineLatency();

  /// Asks the pipeline at the top of `element`, unless an answer is still awaited.
  void request(GstElement* element);

  /// The answer to the last request, in ms, once: the minimum latency, 0 of a pipeline that is not
  /// live. Nothing if there is none (yet).
  std::optional<double> take();

 private:
  struct Answer;
  std::shared_ptr<Answer> answer_;
};

}  // namespace dragoman
