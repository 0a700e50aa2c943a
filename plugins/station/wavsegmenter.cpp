// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-wavsegmenter
 * @title: wavsegmenter
 * @short_description: records one tap of a station in files of 5 s and passes the audio through
 *
 * Every buffer leaves as it came, without latency. A copy of the audio is written as 16-bit mono
 * WAV of 16 kHz, one file for each bucket of 5 s, the same buckets as #stationprobe's:
 *
 * LOCATION/YYYY-MM-DD/trace_TRACE/STATION/TAP/YYYYMMDDThhmmssZ.wav
 *
 * Date and time are those of the bucket's start, UTC; without a trace the folder is trace_none.
 * While a file is being written it is called ….wav.part; a complete one is never overwritten (a
 * second one of the same bucket is called …-2.wav). The first and the last file are shorter; in
 * between there is silence where the timestamps have a hole or a GAP event says so, so that a
 * sample's place in the file is its time. A bucket without any audio has no file. The conversion
 * runs on from file to file: put one after the other they are one conversion of the whole.
 *
 * ## Caps
 * audio/x-raw, S16LE or F32LE, interleaved, mono or stereo, 8000 to 48000 Hz.
 *
 * ## Messages
 * `segment`, when a file is complete under its name; the last one's comes before EOS:
 *
 * * `station`, `tap`, `trace` (string): the properties
 * * `bucket-utc` (guint64, ns since 1970): start of the bucket
 * * `bucket-ms` (guint, ms): length of the file; 5000 but in the first and last
 * * `location` (string): the file
 * * `sample-rate` (guint, Hz), `channels` (guint), `frames` (guint64), `format` (string,
 *   WAV_PCM_S16LE_MONO)
 * * `dropped-ms` (gdouble, ms): audio not written since the start
 * * `timestamp`, `stream-time`, `running-time`, `duration` (guint64, ns): of the file's first
 * sample, and its length
 *
 * `segment-lost`, when a bucket is over of which the disk did not take all: `station`, `tap`,
 * `trace`, `bucket-utc` and `dropped-ms` as above, `lost-ms` (gdouble, ms): of this bucket.
 *
 * A warning (GST_MESSAGE_WARNING), at most one a minute, names the folder when the disk is full,
 * fails or does not keep up. Recording goes on by itself with the next file that can be written.
 *
 * ## Readings
 * Upstream, to the stationprobe before it (plugins/common/readings.h): `queue_depth_ms` once a
 * second of audio, and `dropped_buffers` for each buffer of which something was dropped.
 *
 * ## Threads and waiting
 * Conversion and disk are on a thread of the element's own, behind a queue of
 * #wavsegmenter:max-queue. The streaming thread of a live pipeline never waits: what does not fit
 * is dropped, counted and reported. That of one that runs faster than real time waits for room, up
 * to 3 s. EOS waits up to 3 s for the last file. No disk is waited for longer.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -m audiotestsrc num-buffers=600 samplesperbuffer=160 !
 * audio/x-raw,format=S16LE,rate=8000,channels=1 ! wavsegmenter location=/tmp/audio station=St_3
 * tap=PRE trace=demo ! fakesink
 * ]| Writes 12 s in three or four files below /tmp/audio and prints a message for each.
 *
 * Since: 0.1
 */
#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "plugins/common/handles.h"
#include "plugins/common/messages.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"
#include "plugins/station/elements.h"
#include "plugins/station/segment_converter.h"
#include "plugins/station/segment_writer.h"
#include "plugins/station/tap_stream.h"

GST_DEBUG_CATEGORY_STATIC(wavsegmenter_debug);
#define GST_CAT_DEFAULT wavsegmenter_debug

namespace {

using namespace dragoman;

constexpr guint kDefaultMaxQueueMs = 5000, kMinMaxQueueMs = 100, kMaxMaxQueueMs = 60000;
constexpr gboolean kDefaultPostMessages = TRUE;
constexpr char kFormatName[] = "WAV_PCM_S16LE_MONO";
constexpr std::chrono::seconds kWarningInterval{60};

enum {
  kPropLocation = 1,
  kPropStation,
  kPropTap,
  kPropTrace,
  kPropPostMessages,
  kPropMaxQueue,
  kPropDropped
};

struct Settings {
  std::string location;
  TapNames names;
  bool post_messages = kDefaultPostMessages;
  guint max_queue_ms = kDefaultMaxQueueMs;
};

/// At most one warning a minute of a kind. One thread.
class WarningLimit {
 public:
  bool allows() {
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < kWarningInterval) return false;
    last_ = now;
    return true;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> last_;
};

/// Turns what the writer tells into messages. The writer may outlive the element if a disk hangs.
class Poster : public SegmentListener {
 public:
  Poster(GstElement* element, Settings settings, std::shared_ptr<std::atomic<uint64_t>> dropped_ns)
      : settings_(std::move(settings)), dropped_ns_(std::move(dropped_ns)) {
    g_weak_ref_init(&element_, element);
  }
  ~Poster() override { g_weak_ref_clear(&element_); }

  void on_segment(const SegmentInfo& info) override;
  void on_disk_trouble(const std::string& folder, int error) override;
  void on_incomplete(uint64_t bucket_utc, uint64_t lost_frames) override;
  /// On the streaming thread.
  void on_overflow();

 private:
  using ElementPtr = GstObjectPtr<GstElement>;
  double dropped_ms() const { return static_cast<double>(dropped_ns_->load()) / GST_MSECOND; }
  ElementPtr element() { return ElementPtr(static_cast<GstElement*>(g_weak_ref_get(&element_))); }

  GWeakRef element_;
  const Settings settings_;
  const std::shared_ptr<std::atomic<uint64_t>> dropped_ns_;
  WarningLimit disk_warnings_;      // of the writer's thread
  WarningLimit overflow_warnings_;  // of the streaming thread
};

void Poster::on_segment(const SegmentInfo& info) {
  const ElementPtr element = this->element();
  if (!element || !settings_.post_messages) return;
  const auto ms = static_cast<guint>(gst_util_uint64_scale_round(info.frames, 1000, kSegmentRate));
  GstStructure* structure = gst_structure_new(
      messages::kSegment, "station", G_TYPE_STRING, settings_.names.station.c_str(), "tap",
      G_TYPE_STRING, settings_.names.tap.c_str(), "trace", G_TYPE_STRING,
      settings_.names.trace.c_str(), "bucket-utc", G_TYPE_UINT64, info.bucket_utc, "bucket-ms",
      G_TYPE_UINT, ms, "location", G_TYPE_STRING, info.location.c_str(), "sample-rate", G_TYPE_UINT,
      static_cast<guint>(kSegmentRate), "channels", G_TYPE_UINT, 1u, "frames", G_TYPE_UINT64,
      info.frames, "format", G_TYPE_STRING, kFormatName, "dropped-ms", G_TYPE_DOUBLE, dropped_ms(),
      nullptr);
  set_stretch_fields(structure, info.stretch);
  gst_element_post_message(element.get(),
                           gst_message_new_element(GST_OBJECT(element.get()), structure));
}

void Poster::on_incomplete(uint64_t bucket_utc, uint64_t lost_frames) {
  const ElementPtr element = this->element();
  if (!element || !settings_.post_messages) return;
  const TapNames& names = settings_.names;
  const double lost_ms = static_cast<double>(frames_to_ns(lost_frames, kSegmentRate)) / GST_MSECOND;
  GstStructure* structure =
      gst_structure_new(messages::kSegmentLost, "station", G_TYPE_STRING, names.station.c_str(),
                        "tap", G_TYPE_STRING, names.tap.c_str(), "trace", G_TYPE_STRING,
                        names.trace.c_str(), "bucket-utc", G_TYPE_UINT64, bucket_utc, "lost-ms",
                        G_TYPE_DOUBLE, lost_ms, "dropped-ms", G_TYPE_DOUBLE, dropped_ms(), nullptr);
  gst_element_post_message(element.get(),
                           gst_message_new_element(GST_OBJECT(element.get()), structure));
}

void Poster::on_disk_trouble(const std::string& folder, int error) {
  const ElementPtr element = this->element();
  if (!element || !disk_warnings_.allows()) return;
  const char* reason = g_strerror(error);
  if (error == ENOSPC || error == EDQUOT) {
    GST_ELEMENT_WARNING(
        element.get(), RESOURCE, NO_SPACE_LEFT,
        ("No room to record audio in %s (%s). Free some, or set location to another "
         "folder; recording goes on by itself when there is room.",
         folder.c_str(), reason),
        (nullptr));
  } else {
    GST_ELEMENT_WARNING(element.get(), RESOURCE, OPEN_WRITE,
                        ("Audio cannot be recorded in %s (%s). Make the folder writable, or set "
                         "location to another; recording goes on by itself when it is.",
                         folder.c_str(), reason),
                        (nullptr));
  }
}

void Poster::on_overflow() {
  const ElementPtr element = this->element();
  if (!element || !overflow_warnings_.allows()) return;
  GST_ELEMENT_WARNING(element.get(), RESOURCE, WRITE,
                      ("The disk of %s does not keep up: audio is dropped from the recording (the "
                       "call goes on). Use a faster disk for location, or a larger max-queue.",
                       settings_.location.c_str()),
                      (nullptr));
}

struct State {
  explicit State(GstElement* element) : stream(element, kBucketNs) {}

  std::mutex settings_lock;
  Settings settings;

  std::mutex writer_lock;  // guards the pointer
  std::shared_ptr<SegmentWriter> writer;
  const std::shared_ptr<std::atomic<uint64_t>> dropped_ns =
      std::make_shared<std::atomic<uint64_t>>(0);

  // Of the streaming thread.
  std::shared_ptr<Poster> poster;
  GstAudioInfo info{};
  TapStream stream;
  uint64_t hole = 0;             // frames missing since the last that were queued
  size_t frames_untold = 0;      // since the last readings
  std::optional<bool> may_wait;  // the pipeline is not live; unknown before the first buffer
  bool stalled = false;          // waited in vain, so do not again until there is room
};

}  // namespace

struct _WavSegmenter {
  GstBaseTransform parent;
  State* state;
};

G_DECLARE_FINAL_TYPE(WavSegmenter, wav_segmenter, WAV, SEGMENTER, GstBaseTransform)
G_DEFINE_FINAL_TYPE(WavSegmenter, wav_segmenter, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(wavsegmenter, "wavsegmenter", GST_RANK_NONE, wav_segmenter_get_type())

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                             GST_STATIC_CAPS(DRAGOMAN_TAP_CAPS));
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(DRAGOMAN_TAP_CAPS));

State& state_of(gpointer self) { return *WAV_SEGMENTER(self)->state; }

std::shared_ptr<SegmentWriter> writer_of(gpointer self) {
  State& state = state_of(self);
  std::lock_guard lock(state.writer_lock);
  return state.writer;
}

std::string invalid_settings_reason(const Settings& settings) {
  if (settings.location.empty()) {
    return "Property location is not set: name the folder that recordings go to.";
  }
  return invalid_names_reason(settings.names);
}

void forget_stream(State& state) {
  state.stream.clock().reset();
  if (state.info.rate) state.stream.clock().set_rate(state.info.rate);
  state.hole = 0;
  state.may_wait.reset();
  state.stalled = false;
}

gboolean start(GstBaseTransform* base) {
  return guarded(base, gboolean{FALSE}, [&]() -> gboolean {
    State& state = state_of(base);
    Settings settings;
    {
      std::lock_guard lock(state.settings_lock);
      settings = state.settings;
    }
    if (const std::string reason = invalid_settings_reason(settings); !reason.empty()) {
      GST_ELEMENT_ERROR(base, RESOURCE, SETTINGS, ("%s", reason.c_str()), (nullptr));
      return FALSE;
    }
    settings.location = CharPtr(g_canonicalize_filename(settings.location.c_str(), nullptr)).get();
    *state.dropped_ns = 0;
    state.info = {};
    forget_stream(state);
    state.poster = std::make_shared<Poster>(GST_ELEMENT(base), settings, state.dropped_ns);
    auto writer = std::make_shared<SegmentWriter>(
        SegmentWriter::Options{.location = settings.location,
                               .names = settings.names,
                               .max_queue = std::chrono::milliseconds(settings.max_queue_ms)},
        state.poster, state.dropped_ns);
    std::lock_guard lock(state.writer_lock);
    state.writer = std::move(writer);
    return TRUE;
  });
}

gboolean set_caps(GstBaseTransform* base, GstCaps* in, GstCaps*) {
  return guarded(base, gboolean{FALSE}, [&]() -> gboolean {
    State& state = state_of(base);
    GstAudioInfo info;
    if (!gst_audio_info_from_caps(&info, in)) return FALSE;
    if (state.info.rate) {
      state.hole = gst_util_uint64_scale_round(state.hole, static_cast<guint64>(info.rate),
                                               static_cast<guint64>(state.info.rate));
    }
    state.info = info;
    state.stream.clock().set_rate(info.rate);
    writer_of(base)->queue().set_format(info);
    return TRUE;
  });
}

/// Only what does not come from a live source may be held up.
bool upstream_may_wait(GstBaseTransform* base) {
  GstQuery* query = gst_query_new_latency();
  gboolean live = TRUE;
  if (gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(base), query)) {
    gst_query_parse_latency(query, &live, nullptr, nullptr);
  }
  gst_query_unref(query);
  return !live;
}

/// There is no room for the next `frames`: true if there is after a wait, else they are dropped.
bool wait_or_drop(State& state, SegmentQueue& queue, size_t frames) {
  if (state.may_wait.value_or(false) && !state.stalled) {
    if (queue.wait_for_room(SegmentWriter::kPatience)) return true;
    state.stalled = true;
  }
  *state.dropped_ns += frames_to_ns(frames, state.info.rate);
  state.hole += frames;
  state.stream.clock().advance(frames);
  state.poster->on_overflow();
  return false;
}

/// Queues `audio`, which begins at the position.
void enqueue(WavSegmenter* self, SegmentQueue& queue, std::span<const std::byte> audio) {
  State& state = state_of(self);
  SampleClock& clock = state.stream.clock();
  const auto frame_bytes = static_cast<size_t>(state.info.bpf);
  while (!audio.empty()) {
    const auto frames = static_cast<size_t>(
        std::min<uint64_t>(audio.size() / frame_bytes, clock.frames_left_in_bucket()));
    const SegmentPlace place = {.bucket_utc = clock.bucket(),
                                .position_utc = clock.position(),
                                .hole = state.hole,
                                .at = state.stream.here(GST_BASE_TRANSFORM(self)->segment)};
    size_t taken = queue.push(place, audio.first(frames * frame_bytes));
    if (taken) {
      state.hole = 0;
      state.stalled = false;
      clock.advance(taken);
    } else if (!wait_or_drop(state, queue, frames)) {
      taken = frames;
    }
    audio = audio.subspan(taken * frame_bytes);
  }
}

/// Once a second of audio, and when some was dropped, to the probe before us.
void send_readings(GstBaseTransform* base, SegmentQueue& queue, size_t frames, bool dropped) {
  State& state = state_of(base);
  state.frames_untold += frames;
  const bool due = state.frames_untold >= static_cast<size_t>(state.info.rate);
  if (!due && !dropped) return;
  if (due) state.frames_untold = 0;
  const Reading readings[] = {{"queue_depth_ms", queue.depth_ms()}, {"dropped_buffers", 1}};
  gst_pad_push_event(
      GST_BASE_TRANSFORM_SINK_PAD(base),
      new_readings_event(GST_EVENT_CUSTOM_UPSTREAM, std::span(readings, dropped ? 2 : 1)));
}

GstFlowReturn transform_ip(GstBaseTransform* base, GstBuffer* buffer) {
  return guarded(base, GST_FLOW_ERROR, [&] {
    WavSegmenter* self = WAV_SEGMENTER(base);
    State& state = state_of(self);
    const auto frame_bytes = static_cast<size_t>(state.info.bpf);
    const std::shared_ptr<SegmentWriter> writer = writer_of(self);
    GstMapInfo map;
    if (!writer || !frame_bytes || !gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_OK;
    if (!state.may_wait) state.may_wait = upstream_may_wait(base);
    const size_t frames = map.size / frame_bytes;
    if (frames) {
      const SampleClock::Placement placement = state.stream.place(base->segment, buffer, frames);
      state.hole += placement.hole;
      const auto audio = std::as_bytes(std::span(map.data, frames * frame_bytes));
      const uint64_t dropped_before = *state.dropped_ns;
      enqueue(self, writer->queue(), audio.subspan(placement.overlap * frame_bytes));
      send_readings(base, writer->queue(), frames, *state.dropped_ns != dropped_before);
    }
    gst_buffer_unmap(buffer, &map);
    return GST_FLOW_OK;
  });
}

void on_gap(WavSegmenter* self, GstEvent* event) {
  State& state = state_of(self);
  const SampleClock& clock = state.stream.clock();
  const bool was_placed = clock.placed();
  const uint64_t before = clock.position();
  state.stream.pass_gap(GST_BASE_TRANSFORM(self)->segment, event);
  if (!was_placed || clock.position() <= before || !state.info.rate) return;
  state.hole += ns_to_frames(clock.position() - before, state.info.rate);
  writer_of(self)->queue().push_time(clock.position());
}

void on_eos(WavSegmenter* self) {
  if (!writer_of(self)->finish()) {
    GST_WARNING_OBJECT(self, "the last segment is not complete yet: EOS does not wait longer");
  }
}

void on_flush_stop(WavSegmenter* self, GstEvent* event) {
  SegmentQueue& queue = writer_of(self)->queue();
  queue.push_end();
  queue.interrupt(false);
  gboolean reset_time;
  gst_event_parse_flush_stop(event, &reset_time);
  if (reset_time) restart_pipeline_epoch(GST_ELEMENT(self));
  forget_stream(state_of(self));
}

gboolean sink_event(GstBaseTransform* base, GstEvent* event) {
  WavSegmenter* self = WAV_SEGMENTER(base);
  const bool handled = guarded(base, false, [&] {
    if (!writer_of(self)) return true;
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_EOS:
        on_eos(self);
        break;
      case GST_EVENT_GAP:
        on_gap(self, event);
        break;
      case GST_EVENT_FLUSH_START:
        writer_of(self)->queue().interrupt(true);
        break;
      case GST_EVENT_FLUSH_STOP:
        on_flush_stop(self, event);
        break;
      default:
        break;
    }
    return true;
  });
  if (!handled) GST_WARNING_OBJECT(self, "%s not handled", GST_EVENT_TYPE_NAME(event));
  return GST_BASE_TRANSFORM_CLASS(wav_segmenter_parent_class)->sink_event(base, event);
}

gboolean stop(GstBaseTransform* base) {
  return guarded(base, gboolean{TRUE}, [&]() -> gboolean {
    State& state = state_of(base);
    std::shared_ptr<SegmentWriter> writer;
    {
      std::lock_guard lock(state.writer_lock);
      writer.swap(state.writer);
    }
    writer.reset();  // waits for the last file, within limits
    state.poster.reset();
    return TRUE;
  });
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  // A streaming thread that waits for the disk must let the state change pass.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    if (const auto writer = writer_of(element)) writer->queue().interrupt(true);
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(wav_segmenter_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) clear_pipeline_epoch(element);
  return result;
}

const char* string_of(const GValue* value) {
  const char* text = g_value_get_string(value);
  return text ? text : "";
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  std::lock_guard lock(state.settings_lock);
  Settings& settings = state.settings;
  switch (id) {
    case kPropLocation:
      settings.location = string_of(value);
      break;
    case kPropStation:
      settings.names.station = string_of(value);
      break;
    case kPropTap:
      settings.names.tap = string_of(value);
      break;
    case kPropTrace:
      settings.names.trace = string_of(value);
      break;
    case kPropPostMessages:
      settings.post_messages = g_value_get_boolean(value);
      break;
    case kPropMaxQueue:
      settings.max_queue_ms = g_value_get_uint(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  std::lock_guard lock(state.settings_lock);
  const Settings& settings = state.settings;
  switch (id) {
    case kPropLocation:
      g_value_set_string(value, settings.location.c_str());
      break;
    case kPropStation:
      g_value_set_string(value, settings.names.station.c_str());
      break;
    case kPropTap:
      g_value_set_string(value, settings.names.tap.c_str());
      break;
    case kPropTrace:
      g_value_set_string(value, settings.names.trace.c_str());
      break;
    case kPropPostMessages:
      g_value_set_boolean(value, settings.post_messages);
      break;
    case kPropMaxQueue:
      g_value_set_uint(value, settings.max_queue_ms);
      break;
    case kPropDropped:
      g_value_set_uint64(value, state.dropped_ns->load() / GST_MSECOND);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void finalize(GObject* object) {
  delete WAV_SEGMENTER(object)->state;
  G_OBJECT_CLASS(wav_segmenter_parent_class)->finalize(object);
}

void install_properties(GObjectClass* object_class) {
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                              GST_PARAM_MUTABLE_READY);
  const auto readable = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto text = [&](guint id, const char* name, const char* nick, const char* blurb,
                        const std::string& value) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_string(name, nick, blurb, value.c_str(), flags));
  };
  const Settings defaults;
  text(kPropLocation, "location", "Location",
       "Folder below which the files go, in LOCATION/YYYY-MM-DD/trace_TRACE/STATION/TAP/",
       defaults.location);
  text(kPropStation, "station", "Station", "Station that the audio belongs to, such as St_3",
       defaults.names.station);
  text(kPropTap, "tap", "Tap", "Side of the station's processing: PRE or POST", defaults.names.tap);
  text(kPropTrace, "trace", "Trace", "ID of the call that the audio belongs to",
       defaults.names.trace);
  g_object_class_install_property(
      object_class, kPropPostMessages,
      g_param_spec_boolean("post-messages", "Post messages", "Post a message for each file",
                           kDefaultPostMessages, flags));
  g_object_class_install_property(
      object_class, kPropMaxQueue,
      g_param_spec_uint("max-queue", "Maximal queue",
                        "Audio that may wait for the disk, in milliseconds; a live pipeline drops "
                        "from the recording what is more",
                        kMinMaxQueueMs, kMaxMaxQueueMs, kDefaultMaxQueueMs, flags));
  g_object_class_install_property(
      object_class, kPropDropped,
      g_param_spec_uint64("dropped", "Dropped",
                          "Audio not written since the start, in milliseconds: the disk was full, "
                          "failed or did not keep up",
                          0, G_MAXUINT64, 0, readable));
}

}  // namespace

static void wav_segmenter_init(WavSegmenter* self) {
  self->state = new State(GST_ELEMENT(self));
  gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}

static void wav_segmenter_class_init(WavSegmenterClass* klass) {
  GST_DEBUG_CATEGORY_INIT(wavsegmenter_debug, "wavsegmenter", 0, "station recordings");
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  install_properties(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = change_state;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "WAV segmenter", "Filter/Audio",
      "Records a tap of a station in WAV files of 5 s; the audio passes untouched",
      "Dragoman developers");

  auto* base_class = GST_BASE_TRANSFORM_CLASS(klass);
  base_class->start = start;
  base_class->set_caps = set_caps;
  base_class->transform_ip = transform_ip;
  base_class->sink_event = sink_event;
  base_class->stop = stop;
}
