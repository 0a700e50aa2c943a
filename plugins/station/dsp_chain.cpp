// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/dsp_chain.h"

#include <atomic>
#include <stdexcept>

namespace dragoman {
namespace {

GstElement* make(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (!element)
    throw std::runtime_error(std::string("no element '") + factory +
                             "'; apt-get install gstreamer1.0-plugins-bad");
  return static_cast<GstElement*>(gst_object_ref_sink(element));
}

/// What stands before and behind our private elements takes whatever comes and asks for nothing.
gboolean answer_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_CAPS: {
      GstCaps* filter = nullptr;
      gst_query_parse_caps(query, &filter);
      const CapsPtr any(filter ? gst_caps_ref(filter) : gst_caps_new_any());
      gst_query_set_caps_result(query, any.get());
      return TRUE;
    }
    case GST_QUERY_ACCEPT_CAPS:
      gst_query_set_accept_caps_result(query, TRUE);
      return TRUE;
    case GST_QUERY_LATENCY:
      gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean drop_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return TRUE;
}

GstFlowReturn drop_buffer(GstPad*, GstObject*, GstBuffer* buffer) {
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

gboolean repeat_event(GstPad*, GstEvent** event, gpointer to) {
  gst_pad_push_event(static_cast<GstPad*>(to), gst_event_ref(*event));
  return TRUE;
}

void release(GstPad* pad) {
  if (!pad) return;
  gst_pad_set_active(pad, FALSE);
  gst_object_unref(pad);
}

}  // namespace

DspChain::DspChain(const DspSettings& settings, GstPad* near_sink, GstPad* far_sink)
    : dsp_(make("webrtcdsp")),
      far_hold_(static_cast<GstClockTime>(settings.far_hold_ms) * GST_MSECOND) {
  const bool cancels = settings.echo_cancel && far_sink;
  g_object_set(dsp_.get(), "echo-cancel", cancels, "noise-suppression", settings.noise_suppression,
               "noise-suppression-level", settings.noise_suppression_level, "gain-control",
               settings.gain_control, "target-level-dbfs", settings.target_level_dbfs,
               "compression-gain-db", settings.compression_gain_db, "high-pass-filter",
               settings.high_pass_filter, nullptr);
  if (cancels) {
    static std::atomic<unsigned> count{0};
    const std::string name = "voicedsp-far-" + std::to_string(count++);
    probe_.reset(make("webrtcechoprobe"));
    gst_object_set_name(GST_OBJECT(probe_.get()), name.c_str());
    g_object_set(dsp_.get(), "probe", name.c_str(), nullptr);
    connect(probe_.get(), far_feed_, far_take_, drop_buffer);
    gst_pad_sticky_events_foreach(far_sink, repeat_event, far_feed_);
    gst_pad_push_event(far_take_, gst_event_new_latency(0));  // without it the probe is deaf
  }
  connect(dsp_.get(), feed_, take_, on_output);
  gst_pad_sticky_events_foreach(near_sink, repeat_event, feed_);
}

DspChain::~DspChain() {
  for (GstElement* element : {dsp_.get(), probe_.get()})
    if (element) gst_element_set_state(element, GST_STATE_NULL);
  for (GstPad* pad : {feed_, take_, far_feed_, far_take_}) release(pad);
}

void DspChain::connect(GstElement* element, GstPad*& feed, GstPad*& take,
                       GstPadChainFunction chain) {
  feed = static_cast<GstPad*>(gst_object_ref_sink(gst_pad_new("feed", GST_PAD_SRC)));
  take = static_cast<GstPad*>(gst_object_ref_sink(gst_pad_new("take", GST_PAD_SINK)));
  gst_pad_set_query_function(feed, answer_query);
  gst_pad_set_event_function(feed, drop_event);
  gst_pad_set_query_function(take, answer_query);
  gst_pad_set_event_function(take, drop_event);
  gst_pad_set_chain_function(take, chain);
  gst_pad_set_element_private(take, this);
  for (GstPad* pad : {feed, take}) gst_pad_set_active(pad, TRUE);
  const GstObjectPtr<GstPad> sink(gst_element_get_static_pad(element, "sink"));
  const GstObjectPtr<GstPad> source(gst_element_get_static_pad(element, "src"));
  gst_pad_link_full(feed, sink.get(), GST_PAD_LINK_CHECK_NOTHING);
  gst_pad_link_full(source.get(), take, GST_PAD_LINK_CHECK_NOTHING);
  if (gst_element_set_state(element, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    throw std::runtime_error(std::string(GST_OBJECT_NAME(element)) + " does not start");
}

void DspChain::near_event(GstEvent* event) { gst_pad_push_event(feed_, event); }

void DspChain::far_event(GstEvent* event) {
  if (far_feed_)
    gst_pad_push_event(far_feed_, event);
  else
    gst_event_unref(event);
}

void DspChain::feed_far(GstBuffer* buffer) {
  if (!far_feed_) return;
  GstBuffer* held = gst_buffer_copy(buffer);
  if (GST_BUFFER_PTS_IS_VALID(held)) GST_BUFFER_PTS(held) += far_hold_;
  gst_pad_push(far_feed_, held);
}

GstFlowReturn DspChain::feed(GstBuffer* buffer, std::vector<BufferPtr>& out) {
  out_ = &out;
  const GstFlowReturn flow = gst_pad_push(feed_, buffer);
  out_ = nullptr;
  return flow;
}

GstFlowReturn DspChain::on_output(GstPad* pad, GstObject*, GstBuffer* buffer) {
  auto* self = static_cast<DspChain*>(gst_pad_get_element_private(pad));
  BufferPtr owned(buffer);
  if (self->out_) self->out_->push_back(std::move(owned));
  return GST_FLOW_OK;
}

}  // namespace dragoman
