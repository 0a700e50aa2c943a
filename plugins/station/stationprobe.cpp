// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-stationprobe
 * @title: stationprobe
 * @short_description: measures one tap of a station and passes the audio through untouched
 *
 * Every buffer leaves as it came, the same pointer, without latency. Of the audio are measured the
 * level, voice and spectrum of the table in plugins/common/parameters.cpp, as far as the station
 * has them; the headers of the meters in plugins/station define each. Frames of 20 ms are counted
 * from the stream's begin and from each bucket's begin, so the buffers' sizes change nothing; a
 * last, shorter frame counts as one. What ariudpsrc, ttssrc and sttsink measure arrives as events
 * (plugins/common/readings.h), is taken here and aggregated with the rest. Two probes of a process
 * with the same trace and station, one with tap=PRE and one with tap=POST, are compared: what comes
 * of it (plugins/station/tap_partner.h) POST reports.
 *
 * ## Caps
 * audio/x-raw, S16LE or F32LE, interleaved, mono or stereo, 8000 to 48000 Hz. All channels are
 * measured together.
 *
 * ## Messages
 * `bucket`, one for each bucket that had a reading, as soon as its last sample has passed:
 *
 * * `station`, `tap`, `trace` (string): the properties
 * * `bucket-utc` (guint64, ns since 1970): start of the bucket, a multiple of
 * #stationprobe:interval
 * * `bucket-ms` (guint, ms): audio measured, less than the interval in the first and last bucket
 * and where audio was missing
 * * `metrics` (GstStructure): for each parameter that was read, by its key, a GstStructure of
 * `count` (guint64), `min`, `max`, `avg`, `last` (gdouble, the parameter's unit). A parameter
 * without a reading is absent. `avg` is made as the table says: of levels it is the level of the
 * mean power, of pitch_hz the median, of peaks the
 * greatest. `state` (string) tells how avg (of a counted parameter: last)
 * lies in the station's limits: normal, unusual, warning or critical.
 * * `timestamp`, `stream-time`, `running-time`, `duration` (guint64, ns): the stretch measured
 *
 * Buckets close by the time of the stream: by the sample that reaches the edge, by a GAP event or a
 * hole in the timestamps that passes it. EOS, FLUSH_STOP and the way from PAUSED to READY close the
 * last, short bucket. Readings that come after EOS are posted with their bucket once more; the
 * later message replaces the earlier one.
 *
 * ## Threads
 * Readings may come from any thread. Messages are posted from the streaming thread, after EOS from
 * the one that brings the reading.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -m audiotestsrc num-buffers=600 samplesperbuffer=160 volume=0.1 !
 * audio/x-raw,format=S16LE,rate=8000,channels=1 ! stationprobe station=St_3 tap=PRE trace=demo !
 * fakesink
 * ]| Prints a message of two or three buckets (12 s of a sine wave of -23 dBFS).
 *
 * Since: 0.1
 */
#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>

#include <mutex>
#include <span>
#include <vector>

#include "plugins/common/buckets.h"
#include "plugins/common/handles.h"
#include "plugins/common/messages.h"
#include "plugins/common/parameters.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"
#include "plugins/common/shared_data.h"
#include "plugins/station/bucket_board.h"
#include "plugins/station/elements.h"
#include "plugins/station/probe_settings.h"
#include "plugins/station/station_file.h"
#include "plugins/station/tap_meters.h"
#include "plugins/station/tap_partner.h"
#include "plugins/station/tap_stream.h"

GST_DEBUG_CATEGORY_STATIC(stationprobe_debug);
#define GST_CAT_DEFAULT stationprobe_debug

namespace {

using namespace dragoman;

struct State {
  explicit State(GstElement* element) : stream(element, kBucketNs) {
    meters.on_frame(
        [this](const AudioFrame& frame) { partner.heard(frame.mono.size(), meters.voice()); });
  }

  std::mutex settings_lock;  // never held together with lock
  ProbeSettings settings;

  std::mutex lock;  // guards the rest
  GstAudioInfo info{};
  BucketBoard board;
  TapMeters meters{board};
  TapPartner partner{board};  // its crossings are the streaming thread's, without the lock
  TapStream stream;
  Station station;
  uint64_t interval = kBucketNs;
  bool ended = false;  // EOS has passed: readings that still come belong to the last bucket

  GstPadChainFunction base_chain = nullptr;  // constant
};

}  // namespace

struct _StationProbe {
  GstBaseTransform parent;
  State* state;
};

G_DECLARE_FINAL_TYPE(StationProbe, station_probe, STATION, PROBE, GstBaseTransform)
G_DEFINE_FINAL_TYPE(StationProbe, station_probe, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(stationprobe, "stationprobe", GST_RANK_NONE, station_probe_get_type())

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS(DRAGOMAN_TAP_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(DRAGOMAN_TAP_CAPS));

State& state_of(gpointer self) { return *STATION_PROBE(self)->state; }

ProbeSettings settings_of(gpointer self) {
  State& state = state_of(self);
  std::lock_guard lock(state.settings_lock);
  return state.settings;
}

StructurePtr metrics_of(const Bucket& bucket, const Station& station) {
  StructurePtr metrics(gst_structure_new_empty("metrics"));
  for (size_t i = 0; i < bucket.aggregates.size(); ++i) {
    const Aggregate& aggregate = bucket.aggregates[i];
    if (!aggregate.count) continue;
    const Parameter& parameter = parameters()[i];
    const double avg = average_of(parameter, aggregate);
    const double figure = parameter.kind == ParameterKind::kCounted ? aggregate.last : avg;
    const char* state = name_of(state_of(station.limits[i], figure));
    StructurePtr figures(gst_structure_new(
        parameter.key, "count", G_TYPE_UINT64, aggregate.count, "min", G_TYPE_DOUBLE, aggregate.min,
        "max", G_TYPE_DOUBLE, aggregate.max, "avg", G_TYPE_DOUBLE, avg, "last", G_TYPE_DOUBLE,
        aggregate.last, "state", G_TYPE_STRING, state, nullptr));
    gst_structure_set(metrics.get(), parameter.key, GST_TYPE_STRUCTURE, figures.get(), nullptr);
  }
  return metrics;
}

/// No lock held: the bus may call out.
void post(StationProbe* self, const std::optional<Bucket>& bucket) {
  if (!bucket) return;
  const ProbeSettings settings = settings_of(self);
  if (!settings.post_messages) return;
  // Set before the first bucket, and not changed while there are any.
  const StructurePtr metrics = metrics_of(*bucket, state_of(self).station);
  const auto bucket_ms = static_cast<guint>((bucket->measured_ns + GST_MSECOND / 2) / GST_MSECOND);
  GstStructure* structure = gst_structure_new(
      messages::kBucket, "station", G_TYPE_STRING, settings.names.station.c_str(), "tap",
      G_TYPE_STRING, settings.names.tap.c_str(), "trace", G_TYPE_STRING,
      settings.names.trace.c_str(), "bucket-utc", G_TYPE_UINT64, bucket->start_utc, "bucket-ms",
      G_TYPE_UINT, bucket_ms, "metrics", GST_TYPE_STRUCTURE, metrics.get(), nullptr);
  set_stretch_fields(structure, bucket->stretch);
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), structure));
}

/// Lock held. Ends the open bucket; the next readings belong to the bucket of the position.
std::optional<Bucket> close_bucket(State& state) {
  state.meters.finish();
  state.meters.end_bucket();
  state.partner.end_bucket(state.meters.voice_meter());
  std::optional<Bucket> bucket = state.board.snapshot(bucket_start(utc_now_ns(), state.interval));
  state.board.clear();
  if (state.stream.clock().placed()) state.board.place(state.stream.clock().bucket());
  return bucket;
}

/// Lock held. Forgets the stream but for its format.
void forget_stream(State& state) {
  state.meters.reset();
  state.partner.reset();
  state.board.reset();
  state.stream.clock().reset();
  if (state.info.rate) state.stream.clock().set_rate(state.info.rate);
  state.ended = false;
}

/// EOS, FLUSH_STOP, stop: what is open is posted as a short bucket.
void post_last_bucket(StationProbe* self) {
  State& state = state_of(self);
  std::optional<Bucket> bucket;
  {
    std::lock_guard lock(state.lock);
    state.meters.finish();
    state.meters.end_bucket();
    state.partner.end_bucket(state.meters.voice_meter());
    bucket = state.board.snapshot(bucket_start(utc_now_ns(), state.interval));
  }
  post(self, bucket);
}

gboolean start(GstBaseTransform* base) {
  return guarded(base, gboolean{FALSE}, [&]() -> gboolean {
    const ProbeSettings settings = settings_of(base);
    if (const std::string reason = invalid_names_reason(settings.names); !reason.empty()) {
      GST_ELEMENT_ERROR(base, LIBRARY, SETTINGS, ("%s", reason.c_str()), (nullptr));
      return FALSE;
    }
    Station station;
    try {
      station = find_station(settings.stations.empty() ? shared_data("stations")
                                                       : std::filesystem::path(settings.stations),
                             settings.names.station);
    } catch (const std::runtime_error& error) {
      GST_ELEMENT_ERROR(base, LIBRARY, SETTINGS, ("%s", error.what()), (nullptr));
      return FALSE;
    }
    State& state = state_of(base);
    std::lock_guard lock(state.lock);
    state.info = {};
    state.station = std::move(station);
    state.board.want(state.station.wanted);
    state.interval = settings.interval ? settings.interval : state.station.interval_ns;
    state.stream = TapStream(GST_ELEMENT(base), state.interval);
    forget_stream(state);
    state.partner.start(GST_ELEMENT(base), settings.names, settings.relations);
    return TRUE;
  });
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps*) {
  return guarded(base, gboolean{FALSE}, [&]() -> gboolean {
    GstAudioInfo info;
    if (!gst_audio_info_from_caps(&info, in)) return FALSE;
    State& state = state_of(base);
    std::lock_guard lock(state.lock);
    state.meters.finish();
    state.meters.set_format(info.rate, static_cast<size_t>(info.channels));
    state.partner.set_format(info.rate, static_cast<size_t>(info.channels));
    state.stream.clock().set_rate(info.rate);
    state.info = info;
    return TRUE;
  });
}

/// Lock held. `data` begins at the position.
void feed(State& state, const guint8* data, size_t frames) {
  const size_t samples = frames * static_cast<size_t>(state.info.channels);
  const auto give = [&](auto audio) {
    state.partner.feed(state.stream.clock().position(), audio);
    state.meters.feed(audio);
  };
  if (GST_AUDIO_INFO_FORMAT(&state.info) == GST_AUDIO_FORMAT_S16LE) {
    give(std::span(reinterpret_cast<const int16_t*>(data), samples));
  } else {
    give(std::span(reinterpret_cast<const float*>(data), samples));
  }
}

/// The position on the stream changed: closes the bucket if it was passed.
std::optional<Bucket> after_jump(State& state, bool was_placed, uint64_t bucket_before,
                                 uint64_t position_before) {
  const SampleClock& clock = state.stream.clock();
  // Time that steps back says nothing of how much is missing.
  const uint64_t missing =
      clock.position() < position_before ? GST_SECOND : clock.position() - position_before;
  state.meters.finish();
  state.meters.hole(static_cast<double>(missing) /
                    GST_MSECOND);  // what it ends belongs to the bucket before
  if (was_placed && clock.bucket() != bucket_before) return close_bucket(state);
  state.board.place(clock.bucket());
  return std::nullopt;
}

/// Finds where `buffer` lies; the bucket that a hole before it ends, if any.
std::optional<Bucket> place(StationProbe* self, GstBuffer* buffer, size_t frames, size_t& skip) {
  State& state = state_of(self);
  SampleClock& clock = state.stream.clock();
  std::lock_guard lock(state.lock);
  if (state.ended) forget_stream(state);
  const bool was_placed = clock.placed();
  const uint64_t bucket_before = clock.bucket();
  const uint64_t position_before = clock.position();
  const SampleClock::Placement placement =
      state.stream.place(GST_BASE_TRANSFORM(self)->segment, buffer, frames);
  skip = placement.overlap;
  if (was_placed && !placement.hole && !placement.restarted) return std::nullopt;
  return after_jump(state, was_placed, bucket_before, position_before);
}

/// Measures up to the end of the bucket; advances `data` and `frames`.
std::optional<Bucket> measure(StationProbe* self, const guint8*& data, size_t& frames) {
  State& state = state_of(self);
  SampleClock& clock = state.stream.clock();
  std::lock_guard lock(state.lock);
  const uint64_t bucket = clock.bucket();
  const uint64_t position = clock.position();
  const StreamStretch here = state.stream.here(GST_BASE_TRANSFORM(self)->segment);
  const auto count = static_cast<size_t>(std::min<uint64_t>(frames, clock.frames_left_in_bucket()));
  feed(state, data, count);
  clock.advance(count);
  state.board.measured(here, clock.position() - position);
  data += count * static_cast<size_t>(state.info.bpf);
  frames -= count;
  return clock.bucket() != bucket ? close_bucket(state) : std::nullopt;
}

GstFlowReturn transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return guarded(base, GST_FLOW_ERROR, [&] {
    StationProbe* self = STATION_PROBE(base);
    const auto frame_bytes = static_cast<size_t>(state_of(self).info.bpf);
    GstMapInfo map;
    if (!frame_bytes || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_OK;
    size_t frames = map.size / frame_bytes;
    size_t skip = 0;
    const guint8* data = map.data;
    state_of(self).partner.arrive();
    if (frames) post(self, place(self, buffer, frames, skip));
    data += skip * frame_bytes;
    frames -= skip;
    while (frames) post(self, measure(self, data, frames));
    gst_buffer_unmap(buffer, &map);
    state_of(self).partner.depart();
    return GST_FLOW_OK;
  });
}

/// The base class's, which pushes downstream too: what is between two calls and their returns is
/// the work of the elements between two taps.
GstFlowReturn chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  State& state = state_of(parent);
  const TapCrossing crossing(state.partner);
  return state.base_chain(pad, parent, buffer);
}

/// True if `event` carried readings: they are aggregated, the caller drops it.
bool take(StationProbe* self, GstEvent* event) {
  State& state = state_of(self);
  std::optional<Bucket> late;
  bool taken;
  {
    std::lock_guard lock(state.lock);
    taken = take_readings(event, [&](const char* key, double value) {
      const ReadingResult result = state.board.add(key, value);
      if (result == ReadingResult::kUnknownKey) {
        GST_WARNING_OBJECT(self, "no parameter is named \"%s\": its reading %g is refused", key,
                           value);
      } else if (result == ReadingResult::kBadValue) {
        GST_WARNING_OBJECT(self, "reading of \"%s\" is not a number: refused", key);
      }
    });
    if (taken && state.ended)
      late = state.board.snapshot(bucket_start(utc_now_ns(), state.interval));
  }
  post(self, late);
  return taken;
}

void on_gap(StationProbe* self, GstEvent* event) {
  State& state = state_of(self);
  std::optional<Bucket> passed;
  {
    std::lock_guard lock(state.lock);
    const SampleClock& clock = state.stream.clock();
    const bool was_placed = clock.placed();
    const uint64_t bucket = clock.bucket();
    const uint64_t position = clock.position();
    state.stream.pass_gap(GST_BASE_TRANSFORM(self)->segment, event);
    if (clock.placed() && (!was_placed || clock.position() != position)) {
      passed = after_jump(state, was_placed, bucket, position);
    }
  }
  post(self, passed);
}

void on_flush_stop(StationProbe* self, GstEvent* event) {
  post_last_bucket(self);
  gboolean reset_time;
  gst_event_parse_flush_stop(event, &reset_time);
  if (reset_time) restart_pipeline_epoch(GST_ELEMENT(self));
  State& state = state_of(self);
  std::lock_guard lock(state.lock);
  forget_stream(state);
}

void on_eos(StationProbe* self) {
  post_last_bucket(self);
  State& state = state_of(self);
  std::lock_guard lock(state.lock);
  state.ended = true;
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  StationProbe* self = STATION_PROBE(base);
  const bool taken = guarded(base, false, [&] {
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_EOS:
        on_eos(self);
        return false;
      case GST_EVENT_GAP:
        on_gap(self, event);
        return false;
      case GST_EVENT_FLUSH_STOP:
        on_flush_stop(self, event);
        return false;
      default:
        return take(self, event);
    }
  });
  if (!taken) return GST_BASE_TRANSFORM_CLASS(station_probe_parent_class)->sink_event(base, event);
  gst_event_unref(event);
  return TRUE;
}

gboolean src_event(GstBaseTransform* base, GstEvent* event) {
  const bool taken = guarded(base, false, [&] { return take(STATION_PROBE(base), event); });
  if (!taken) return GST_BASE_TRANSFORM_CLASS(station_probe_parent_class)->src_event(base, event);
  gst_event_unref(event);
  return TRUE;
}

gboolean stop(GstBaseTransform* base) {
  return guarded(base, gboolean{TRUE}, [&]() -> gboolean {
    post_last_bucket(STATION_PROBE(base));
    State& state = state_of(base);
    std::lock_guard lock(state.lock);
    forget_stream(state);
    state.partner.stop();
    return TRUE;
  });
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(station_probe_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) clear_pipeline_epoch(element);
  return result;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  std::lock_guard lock(state.settings_lock);
  if (!set_probe_property(state.settings, id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  if (!get_probe_property(settings_of(object), id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete STATION_PROBE(object)->state;
  G_OBJECT_CLASS(station_probe_parent_class)->finalize(object);
}

}  // namespace

static void station_probe_init(StationProbe* self) {
  self->state = new State(GST_ELEMENT(self));
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
  GstPad* sink = GST_BASE_TRANSFORM_SINK_PAD(self);
  self->state->base_chain = GST_PAD_CHAINFUNC(sink);
  gst_pad_set_chain_function(sink, chain);
}

static void station_probe_class_init(StationProbeClass* klass) {
  GST_DEBUG_CATEGORY_INIT(stationprobe_debug, "stationprobe", 0, "station measurements");
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_probe_properties(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "Station probe", "Filter/Analyzer/Audio",
      "Measures a tap of a station in buckets of 5 s; the audio passes untouched",
      "Dragoman developers");

  auto* base_class = GST_BASE_TRANSFORM_CLASS(klass);
  base_class->start = start;
  base_class->set_caps = set_caps;
  base_class->transform_ip = transform_ip;
  base_class->sink_event = sink_event;
  base_class->src_event = src_event;
  base_class->stop = stop;
}
