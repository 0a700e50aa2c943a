// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads: the sink pad's chain runs in the jitter buffer's thread, create() in the source's own;
// State::mutex is between them and is never held while waiting, pushing or calling out.
#include "plugins/ari/playout_src.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"

namespace dragoman {
namespace {

GST_DEBUG_CATEGORY_STATIC(category);
#define GST_CAT_DEFAULT category

struct ClockIdDeleter {
  void operator()(void* id) const { gst_clock_id_unref(id); }
};
using ClockId = std::unique_ptr<void, ClockIdDeleter>;

struct State {
  PlayoutHost* host = nullptr;
  PlayoutSettings settings;

  std::mutex mutex;
  std::optional<PlayoutBuffer> buffer;    // exists between start and stop
  std::optional<PayloadDecoder> decoder;  // used by the chain, with the mutex
  bool running = false, flushing = false;
  GstClockID waiting = nullptr;  // what create() waits on
  double usage_pct = 0;
  int64_t depth_ns = 0;  // when the last frame was about to leave

  // create()'s own
  PlayoutBuffer::Counters told;
  uint64_t told_late = 0;
  int frames_untold = 0;
  std::optional<uint64_t> second;   // UTC, that the last frame ended in
  GstClockTime interval_start = 0;  // running time
};

// Readings of the buffer go out each so many frames.
constexpr int kReadingsEvery = 5;

}  // namespace
}  // namespace dragoman

struct _DragomanAriPlayout {
  GstPushSrc parent;
  dragoman::State* state;
};

G_DEFINE_FINAL_TYPE(DragomanAriPlayout, dragoman_ari_playout, GST_TYPE_PUSH_SRC)

namespace dragoman {
namespace {

GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
                    "rate=(int)16000, channels=(int)1"));
GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

State& state_of(gpointer element) { return *DRAGOMAN_ARI_PLAYOUT(element)->state; }

// The chain: coded audio from the network.

GstFlowReturn take_in(State& state, GstBuffer* buffer) {
  const GstClockTime time =
      GST_BUFFER_PTS_IS_VALID(buffer) ? GST_BUFFER_PTS(buffer) : GST_BUFFER_DTS(buffer);
  GstMapInfo map;
  if (!GST_CLOCK_TIME_IS_VALID(time) || !gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    return GST_FLOW_OK;
  }
  std::unique_lock lock(state.mutex);
  if (state.running && state.buffer) {
    const bool in_time =
        state.buffer->put(static_cast<int64_t>(time), state.decoder->decode({map.data, map.size}));
    if (state.waiting && state.buffer->ready()) gst_clock_id_unschedule(state.waiting);
    lock.unlock();
    state.host->judged(in_time);
  } else {
    lock.unlock();
  }
  gst_buffer_unmap(buffer, &map);
  return GST_FLOW_OK;
}

GstFlowReturn chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  BufferPtr owned(buffer);
  return guarded(parent, GST_FLOW_ERROR, [&] { return take_in(state_of(parent), buffer); });
}

// Nothing of the network's stream shows outside: segments, caps and ends stop here.
gboolean sink_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return TRUE;
}

// The source: audio by the clock.

/// Waits until a frame is whole or due, and takes it; nothing when flushing.
std::optional<PlayoutBuffer::Frame> wait_for_frame(DragomanAriPlayout* self) {
  State& state = *self->state;
  GstObjectPtr<GstClock> clock(gst_element_get_clock(GST_ELEMENT(self)));
  const auto base = static_cast<int64_t>(gst_element_get_base_time(GST_ELEMENT(self)));
  const auto now_ns = [&] { return static_cast<int64_t>(gst_clock_get_time(clock.get())) - base; };
  if (!clock) return std::nullopt;

  std::unique_lock lock(state.mutex);
  if (!state.running) {
    state.running = true;
    state.buffer->start(std::max<int64_t>(0, now_ns()));
  }
  while (!state.flushing) {
    const int64_t now = now_ns();
    if (state.buffer->ready() || state.buffer->deadline_ns() <= now) {
      const double whole = static_cast<double>(state.settings.latency + 20 * GST_MSECOND);
      const double left = static_cast<double>(state.buffer->margin_ns(now));
      state.usage_pct = std::clamp(100 * left / whole, 0.0, 100.0);
      state.depth_ns = state.buffer->depth_ns();
      return state.buffer->take(now);
    }
    ClockId id(gst_clock_new_single_shot_id(
        clock.get(), static_cast<GstClockTime>(base + state.buffer->deadline_ns())));
    state.waiting = id.get();
    lock.unlock();
    gst_clock_id_wait(id.get(), nullptr);
    lock.lock();
    state.waiting = nullptr;
  }
  return std::nullopt;
}

GstBuffer* to_buffer(const PlayoutBuffer::Frame& frame) {
  const size_t bytes = frame.samples.size() * sizeof(int16_t);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, bytes, nullptr);
  gst_buffer_fill(buffer, 0, frame.samples.data(), bytes);
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(frame.start_ns);
  GST_BUFFER_DURATION(buffer) = frame.samples.size() * PlayoutBuffer::kSampleNs;
  if (frame.silent) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
  if (frame.jumped) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  return buffer;
}

/// Ahead of the buffer at hand. Not through gst_element_send_event(): that takes the state lock,
/// which a stop holds while it waits for this thread.
void tell(DragomanAriPlayout* self, std::span<const Reading> readings) {
  gst_pad_push_event(GST_BASE_SRC_PAD(self),
                     new_readings_event(GST_EVENT_CUSTOM_DOWNSTREAM, readings));
}
void tell(DragomanAriPlayout* self, std::initializer_list<Reading> readings) {
  tell(self, std::span(readings.begin(), readings.size()));
}

void tell_of_packets(DragomanAriPlayout* self) {
  for (const PacketReadings& packet : self->state->host->take_packet_readings()) {
    const Reading readings[] = {{"packets_received", packet.received},
                                {"packets_lost", packet.lost},
                                {"packets_duplicated", packet.duplicated},
                                {"packets_reordered", packet.reordered},
                                {"jitter_ms", packet.jitter_ms.value_or(0)}};
    tell(self, std::span(readings).first(packet.jitter_ms ? 5 : 4));
  }
}

void tell_of_buffer(DragomanAriPlayout* self) {
  State& state = *self->state;
  if (++state.frames_untold < kReadingsEvery) return;
  state.frames_untold = 0;
  const uint64_t late_before = state.host->late_in_jitter_buffer();
  const int64_t waiting_ns = state.host->waiting_in_jitter_buffer_ns();
  std::unique_lock lock(state.mutex);
  const PlayoutBuffer::Counters counters = state.buffer->counters();
  const bool active = state.buffer->active();
  const double usage_pct = state.usage_pct;
  const int64_t depth_ns = state.depth_ns + waiting_ns;
  lock.unlock();
  const uint64_t late = late_before + counters.late;
  const PlayoutBuffer::Counters told = std::exchange(state.told, counters);
  const uint64_t told_late = std::exchange(state.told_late, late);
  const auto more = [](uint64_t now, uint64_t then) { return static_cast<double>(now - then); };
  const Reading late_reading{"packets_late", more(late, told_late)};
  const Reading underruns{"buffer_underruns", more(counters.underruns, told.underruns)};
  const Reading overruns{"buffer_overruns", more(counters.overruns, told.overruns)};
  const Reading concealed{"concealed_ms",
                          more(counters.concealed_samples, told.concealed_samples) / 16};
  if (active) {
    tell(self, {late_reading,
                underruns,
                overruns,
                concealed,
                {"buffer_usage_pct", usage_pct},
                {"buffer_depth_ms", static_cast<double>(depth_ns) / GST_MSECOND}});
  } else if (late_reading.value != 0 || underruns.value != 0 || overruns.value != 0 ||
             concealed.value != 0) {
    tell(self, {late_reading, underruns, overruns, concealed});
  }
}

void tell_of_stream(DragomanAriPlayout* self, const StreamFigures& figures) {
  std::array<Reading, 8> readings;
  size_t count = 0;
  const auto add = [&](const char* key, std::optional<double> value) {
    if (value) readings[count++] = {key, *value};
  };
  add("jitter_max_ms", figures.jitter_max_ms);
  add("interarrival_max_ms", figures.interarrival_max_ms);
  add("bitrate_kbps", figures.bitrate_kbps);
  add("clock_skew_ppm", figures.clock_skew_ppm);
  add("burst_density_pct", figures.burst_density_pct);
  add("gap_density_pct", figures.gap_density_pct);
  add("r_factor", figures.r_factor);
  add("mos", figures.mos);
  if (count > 0) tell(self, std::span(readings).first(count));
}

/// Each time that a second of UTC ends with the frame at hand: as buckets are whole seconds, what
/// is told of one is told ahead of the last sample of its bucket.
void tell_once_a_second(DragomanAriPlayout* self, GstBuffer* frame) {
  State& state = *self->state;
  const GstClockTime end = GST_BUFFER_PTS(frame) + GST_BUFFER_DURATION(frame);
  const uint64_t epoch = pipeline_epoch(GST_ELEMENT(self), GST_BUFFER_PTS(frame));
  const uint64_t second = (epoch + end) / GST_SECOND;
  const std::optional<uint64_t> before = std::exchange(state.second, second);
  if (before == second) return;
  const GstClockTime start = std::exchange(state.interval_start, end);
  if (!before) return;
  tell_of_stream(self, state.host->end_interval(static_cast<int64_t>(end - start)));
}

GstFlowReturn create(GstPushSrc* src, GstBuffer** buffer) {
  auto* self = DRAGOMAN_ARI_PLAYOUT(src);
  return guarded(src, GST_FLOW_ERROR, [&] {
    const std::optional<PlayoutBuffer::Frame> frame = wait_for_frame(self);
    if (!frame) return GST_FLOW_FLUSHING;
    *buffer = to_buffer(*frame);
    tell_of_packets(self);
    tell_of_buffer(self);
    tell_once_a_second(self, *buffer);
    return GST_FLOW_OK;
  });
}

gboolean query(GstBaseSrc* src, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) {
    return GST_BASE_SRC_CLASS(dragoman_ari_playout_parent_class)->query(src, query);
  }
  gst_query_set_latency(query, TRUE, state_of(src).settings.latency, GST_CLOCK_TIME_NONE);
  return TRUE;
}

// Start and stop.

gboolean start(GstBaseSrc* src) {
  return guarded(src, FALSE, [&] {
    State& state = state_of(src);
    const std::lock_guard lock(state.mutex);
    const PlayoutSettings& settings = state.settings;
    state.buffer.emplace(static_cast<int64_t>(settings.latency),
                         static_cast<int64_t>(settings.tolerance));
    state.decoder.emplace(settings.format, settings.order);
    state.running = state.flushing = false;
    state.told = {};
    state.told_late = 0;
    state.usage_pct = 0;
    state.depth_ns = 0;
    state.second.reset();
    return TRUE;
  });
}

gboolean stop(GstBaseSrc* src) {
  State& state = state_of(src);
  const std::lock_guard lock(state.mutex);
  state.running = false;
  return TRUE;
}

gboolean set_flushing(GstBaseSrc* src, bool flushing) {
  State& state = state_of(src);
  const std::lock_guard lock(state.mutex);
  state.flushing = flushing;
  if (flushing && state.waiting) gst_clock_id_unschedule(state.waiting);
  return TRUE;
}

gboolean unlock(GstBaseSrc* src) { return set_flushing(src, true); }
gboolean unlock_stop(GstBaseSrc* src) { return set_flushing(src, false); }
gboolean is_seekable(GstBaseSrc*) { return FALSE; }

void finalize(GObject* object) {
  delete DRAGOMAN_ARI_PLAYOUT(object)->state;
  G_OBJECT_CLASS(dragoman_ari_playout_parent_class)->finalize(object);
}

}  // namespace

GstElement* new_playout(PlayoutHost* host) {
  auto* playout =
      DRAGOMAN_ARI_PLAYOUT(g_object_new(DRAGOMAN_TYPE_ARI_PLAYOUT, "name", "playout", nullptr));
  playout->state->host = host;
  return GST_ELEMENT(playout);
}

void configure_playout(DragomanAriPlayout* playout, const PlayoutSettings& settings) {
  playout->state->settings = settings;
}

PlayoutStats playout_stats(DragomanAriPlayout* playout) {
  State& state = *playout->state;
  const std::lock_guard lock(state.mutex);
  if (!state.buffer) return {};
  return {.counters = state.buffer->counters(),
          .usage_pct = state.usage_pct,
          .depth_ms = static_cast<double>(state.buffer->depth_ns()) / GST_MSECOND};
}

}  // namespace dragoman

static void dragoman_ari_playout_init(DragomanAriPlayout* self) {
  self->state = new dragoman::State;
  GstPad* sink = gst_pad_new_from_static_template(&dragoman::sink_template, "sink");
  gst_pad_set_chain_function(sink, dragoman::chain);
  gst_pad_set_event_function(sink, dragoman::sink_event);
  gst_element_add_pad(GST_ELEMENT(self), sink);
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

static void dragoman_ari_playout_class_init(DragomanAriPlayoutClass* klass) {
  using namespace dragoman;
  GST_DEBUG_CATEGORY_INIT(category, "ariplayout", 0, "Play-out of ariudpsrc");
  auto* element = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_set_static_metadata(element, "Play-out buffer", "Source/Network/Audio",
                                        "Audio by the clock from audio by the network", "Dragoman");
  G_OBJECT_CLASS(klass)->finalize = finalize;
  auto* src = GST_BASE_SRC_CLASS(klass);
  src->start = start;
  src->stop = stop;
  src->unlock = unlock;
  src->unlock_stop = unlock_stop;
  src->query = query;
  src->is_seekable = is_seekable;
  GST_PUSH_SRC_CLASS(klass)->create = create;
}
