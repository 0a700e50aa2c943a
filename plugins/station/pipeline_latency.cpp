// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/pipeline_latency.h"

#include <atomic>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"

namespace dragoman {

struct PipelineLatency::Answer {
  std::atomic<bool> awaited = false;
  std::atomic<GstClockTime> latency = GST_CLOCK_TIME_NONE;
};

namespace {

GstClockTime ask(GstElement* element) {
  const GstObjectPtr<GstObject> top(toplevel_of(element));
  if (!GST_IS_BIN(top.get())) return GST_CLOCK_TIME_NONE;
  GstQuery* query = gst_query_new_latency();
  GstClockTime least = GST_CLOCK_TIME_NONE;
  if (gst_element_query(GST_ELEMENT(top.get()), query)) {
    gst_query_parse_latency(query, nullptr, &least, nullptr);
  }
  gst_query_unref(query);
  return least;
}

}  // namespace

PipelineLatency::PipelineLatency() : answer_(std::make_shared<Answer>()) {}

void PipelineLatency::request(GstElement* element) {
  if (!GST_OBJECT_PARENT(element) || answer_->awaited.exchange(true)) return;
  gst_element_call_async(
      element,
      [](GstElement* asked, gpointer data) {
        Answer& answer = **static_cast<std::shared_ptr<Answer>*>(data);
        answer.latency = ask(asked);
        answer.awaited = false;
      },
      new std::shared_ptr<Answer>(answer_),
      [](gpointer data) { delete static_cast<std::shared_ptr<Answer>*>(data); });
}

std::optional<double> PipelineLatency::take() {
  const GstClockTime latency = answer_->latency.exchange(GST_CLOCK_TIME_NONE);
  if (!GST_CLOCK_TIME_IS_VALID(latency)) return std::nullopt;
  return static_cast<double>(latency) / GST_MSECOND;
}

}  // namespace dragoman
