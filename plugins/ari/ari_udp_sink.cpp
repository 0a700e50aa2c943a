// SPDX-License-Identifier: LGPL-2.1-or-later
// ariudpsink: audio back to Asterisk's external media, as RTP from the socket of an ariudpsrc.
//
// Sends one packet each `ptime` by the pipeline's clock, whatever upstream does: silence where it
// has holes, and never more than two at once after a stall. The destination is the source's peer;
// as long as that is not known audio is dropped and counted. Each start has a new SSRC, so that
// Asterisk's strict RTP takes the stream up again after a restart. A packet that cannot be sent is
// counted and never stops the pipeline.
//
// Caps: audio/x-raw, S16LE, mono, 8 or 16 kHz; resampled to the format's rate.
//
// Messages: ERROR when the source is not there.
//
// Latency: none beyond the pipeline's; a packet waits up to two `ptime` for its tick.
// sync=false sends without waiting for the pipeline's latency: for a live upstream that keeps time.
// Threads: upstream's renders, one of its own sends.
//
// gst-launch-1.0 ariudpsrc name=in port=4000 peer=127.0.0.1:20000 ! ariudpsink source=in
//
// Since: 0.1
#include "plugins/ari/ari_udp_sink.h"

#include <gst/audio/audio.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "plugins/ari/ari_udp_src.h"
#include "plugins/ari/packet_pacer.h"
#include "plugins/ari/rtp_packetizer.h"

namespace dragoman {
namespace {

GST_DEBUG_CATEGORY_STATIC(category);
#define GST_CAT_DEFAULT category

constexpr auto kDefaultFormat = PayloadFormat::kSlin;
constexpr guint kDefaultPtimeMs = 20;
constexpr std::chrono::seconds kLongestDrain{1};

enum Property { kSource = 1, kFormat, kPtime, kStats };

struct Settings {
  std::string source;
  PayloadFormat format = kDefaultFormat;
  guint ptime_ms = kDefaultPtimeMs;
};

struct Stats {
  uint64_t sent = 0, send_errors = 0, dropped_no_peer = 0, silence_packets = 0, skipped = 0;
};

struct ClockIdDeleter {
  void operator()(void* id) const { gst_clock_id_unref(id); }
};
using ClockId = std::unique_ptr<void, ClockIdDeleter>;

// `mutex` guards settings, stats, pacer, the flags and `waiting`; it is not held while waiting on
// the clock or sending.
struct State {
  std::mutex mutex;
  std::condition_variable changed;
  Settings settings;
  Stats stats;
  std::optional<PacketPacer> pacer;  // exists between start and stop
  PacketPacer::Backlog backlog = PacketPacer::Backlog::kKeep;
  bool playing = false, stopping = false, flushing = false;
  GstClockID waiting = nullptr;

  // Set in start(), before the thread runs.
  GstObjectPtr<DragomanAriUdpSrc> source;
  std::optional<RtpPacketizer> packetizer;  // the sending thread's
  std::thread sender;

  // The rendering thread's.
  std::unique_ptr<GstAudioConverter, Deleter<gst_audio_converter_free>> resampler;

  void wake() {
    changed.notify_all();
    if (waiting) gst_clock_id_unschedule(waiting);
  }
};

}  // namespace
}  // namespace dragoman

struct _DragomanAriUdpSink {
  GstBaseSink parent;
  dragoman::State* state;
};

G_DEFINE_FINAL_TYPE(DragomanAriUdpSink, dragoman_ari_udp_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE(ariudpsink, "ariudpsink", GST_RANK_NONE, DRAGOMAN_TYPE_ARI_UDP_SINK);

namespace dragoman {
namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
                    "rate=(int){ 8000, 16000 }, channels=(int)1"));

State& state_of(gpointer element) { return *DRAGOMAN_ARI_UDP_SINK(element)->state; }

// The source.

GstObjectPtr<GstBin> outermost_bin(GstElement* element) {
  GstObjectPtr<GstObject> at(GST_OBJECT(gst_object_ref(element)));
  while (GstObject* parent = gst_object_get_parent(at.get())) at.reset(parent);
  return GstObjectPtr<GstBin>(GST_IS_BIN(at.get()) ? GST_BIN(at.release()) : nullptr);
}

struct Search {
  const std::string& name;
  std::vector<GstObjectPtr<DragomanAriUdpSrc>> found;
};

void consider(const GValue* item, gpointer data) {
  auto* search = static_cast<Search*>(data);
  auto* element = GST_ELEMENT(g_value_get_object(item));
  if (!DRAGOMAN_IS_ARI_UDP_SRC(element)) return;
  CharPtr name(gst_object_get_name(GST_OBJECT(element)));
  if (!search->name.empty() && search->name != name.get()) return;
  search->found.emplace_back(DRAGOMAN_ARI_UDP_SRC(gst_object_ref(element)));
}

GstObjectPtr<DragomanAriUdpSrc> find_source(DragomanAriUdpSink* self, const std::string& name) {
  Search search{name, {}};
  if (GstObjectPtr<GstBin> bin = outermost_bin(GST_ELEMENT(self))) {
    GstIterator* all = gst_bin_iterate_recurse(bin.get());
    while (gst_iterator_foreach(all, consider, &search) == GST_ITERATOR_RESYNC) {
      gst_iterator_resync(all);
      search.found.clear();
    }
    gst_iterator_free(all);
  }
  if (search.found.size() == 1) return std::move(search.found.front());
  const std::string problem = !name.empty() ? "no ariudpsrc named \"" + name + "\" in the pipeline"
                              : search.found.empty()
                                  ? std::string("no ariudpsrc in the pipeline")
                                  : std::string("more than one ariudpsrc in the pipeline");
  GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND,
                    ("%s; set the property \"source\" to the name of the one whose peer is to hear "
                     "this",
                     problem.c_str()),
                    (nullptr));
  return nullptr;
}

// Sending: the element's own thread.

size_t packet_samples(const Settings& settings) {
  return payload_info(settings.format).sample_rate * settings.ptime_ms / 1000;
}

void send(State& state, const PacketPacer::Packet& packet) {
  const MediaPath path = media_path(state.source.get());
  if (!path.socket || !path.remote) {
    state.packetizer->skip(packet.samples.size());
    const std::lock_guard lock(state.mutex);
    state.stats.dropped_no_peer += packet.audio;
    return;
  }
  const std::span<const uint8_t> bytes = state.packetizer->packet(packet.samples);
  GOutputVector vector{bytes.data(), bytes.size()};
  gsize written = 0;
  const GPollableReturn result =
      g_socket_send_message_with_timeout(path.socket.get(), path.remote.get(), &vector, 1, nullptr,
                                         0, G_SOCKET_MSG_NONE, 0, &written, nullptr, nullptr);
  const std::lock_guard lock(state.mutex);
  if (result != G_POLLABLE_RETURN_OK) {
    ++state.stats.send_errors;
    return;
  }
  ++state.stats.sent;
  state.stats.silence_packets += !packet.audio;
}

/// Waits until `time` of `clock`; false if playing ended meanwhile.
bool wait_until(State& state, GstClock* clock, GstClockTime time) {
  ClockId id(gst_clock_new_single_shot_id(clock, time));
  std::unique_lock lock(state.mutex);
  if (!state.playing || state.stopping) return false;
  state.waiting = id.get();
  lock.unlock();
  gst_clock_id_wait(id.get(), nullptr);
  lock.lock();
  state.waiting = nullptr;
  return state.playing && !state.stopping;
}

PacketPacer::Packet next_packet(State& state) {
  const std::lock_guard lock(state.mutex);
  PacketPacer::Packet packet = state.pacer->tick(state.backlog);
  state.changed.notify_all();
  return packet;
}

/// One packet a tick as long as the element plays.
void send_while_playing(DragomanAriUdpSink* self) {
  State& state = *self->state;
  GstObjectPtr<GstClock> clock(gst_element_get_clock(GST_ELEMENT(self)));
  if (!clock) return;
  std::unique_lock lock(state.mutex);
  const GstClockTime tick = state.settings.ptime_ms * GST_MSECOND;
  const size_t samples = packet_samples(state.settings);
  lock.unlock();
  GstClockTime due = gst_clock_get_time(clock.get());
  while (wait_until(state, clock.get(), due)) {
    // What was due while nobody let us run is not made up for, but for one packet.
    const GstClockTime now = gst_clock_get_time(clock.get());
    const guint64 missed = now > due ? (now - due) / tick : 0;
    if (missed > 1) {
      due += (missed - 1) * tick;
      state.packetizer->skip(static_cast<size_t>(missed - 1) * samples);
      lock.lock();
      state.stats.skipped += missed - 1;
      lock.unlock();
    }
    send(state, next_packet(state));
    due += tick;
  }
}

void run_sender(DragomanAriUdpSink* self) {
  State& state = *self->state;
  std::unique_lock lock(state.mutex);
  while (!state.stopping) {
    state.changed.wait(lock, [&] { return state.playing || state.stopping; });
    if (state.stopping) break;
    lock.unlock();
    guarded(self, false, [&] {
      send_while_playing(self);
      return true;
    });
    lock.lock();
    // Without a clock, or after a failure: not before something changes.
    state.changed.wait(lock, [&] { return !state.playing || state.stopping; });
  }
}

// Start, caps, data, events, stop.

gboolean start(GstBaseSink* sink) {
  auto* self = DRAGOMAN_ARI_UDP_SINK(sink);
  return guarded(sink, FALSE, [&]() -> gboolean {
    State& state = *self->state;
    std::unique_lock lock(state.mutex);
    const Settings settings = state.settings;
    lock.unlock();
    state.source = find_source(self, settings.source);
    if (!state.source) return FALSE;
    state.packetizer.emplace(settings.format);
    lock.lock();
    state.pacer.emplace(packet_samples(settings));
    state.stats = {};
    state.stopping = state.flushing = false;
    state.sender = std::thread(run_sender, self);
    return TRUE;
  });
}

/// A live upstream keeps time by itself, another one waits for us.
PacketPacer::Backlog backlog_of(GstBaseSink* sink) {
  const std::unique_ptr<GstQuery, Deleter<gst_query_unref>> query(gst_query_new_latency());
  gboolean live = FALSE;
  if (gst_pad_peer_query(GST_BASE_SINK_PAD(sink), query.get())) {
    gst_query_parse_latency(query.get(), &live, nullptr, nullptr);
  }
  return live ? PacketPacer::Backlog::kWorkOff : PacketPacer::Backlog::kKeep;
}

gboolean set_caps(GstBaseSink* sink, GstCaps* caps) {
  return guarded(sink, FALSE, [&]() -> gboolean {
    State& state = state_of(sink);
    GstAudioInfo info;
    if (!gst_audio_info_from_caps(&info, caps)) return FALSE;
    const PacketPacer::Backlog backlog = backlog_of(sink);
    std::unique_lock lock(state.mutex);
    const PayloadFormat format = state.settings.format;
    state.backlog = backlog;
    lock.unlock();
    state.resampler = new_resampler(static_cast<uint32_t>(GST_AUDIO_INFO_RATE(&info)),
                                    payload_info(format).sample_rate);
    return TRUE;
  });
}

/// Waits until there is room; the flow to return if there will be none.
GstFlowReturn wait_for_room(GstBaseSink* sink, std::unique_lock<std::mutex>& lock) {
  State& state = state_of(sink);
  while (state.pacer->full()) {
    state.changed.wait(lock, [&] { return !state.pacer->full() || state.flushing; });
    if (!state.flushing) continue;
    lock.unlock();
    const GstFlowReturn flow = gst_base_sink_wait_preroll(sink);
    lock.lock();
    if (flow != GST_FLOW_OK) return flow;
  }
  return GST_FLOW_OK;
}

GstFlowReturn render(GstBaseSink* sink, GstBuffer* buffer) {
  return guarded(sink, GST_FLOW_ERROR, [&] {
    State& state = state_of(sink);
    GstMapInfo map;
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_ERROR;
    const auto* first = reinterpret_cast<const int16_t*>(map.data);
    std::vector<int16_t> samples(first, first + map.size / sizeof(int16_t));
    gst_buffer_unmap(buffer, &map);
    samples = run_resampler(state.resampler.get(), std::move(samples));
    std::unique_lock lock(state.mutex);
    // A long buffer goes in by pieces, so that what waits stays short.
    const size_t piece = packet_samples(state.settings);
    for (std::span<const int16_t> rest(samples); !rest.empty();) {
      if (const GstFlowReturn flow = wait_for_room(sink, lock); flow != GST_FLOW_OK) return flow;
      const size_t count = std::min(piece, rest.size());
      state.pacer->put(rest.first(count));
      rest = rest.subspan(count);
    }
    return GST_FLOW_OK;
  });
}

/// Lets what waits leave before the end is announced.
void drain(State& state) {
  std::unique_lock lock(state.mutex);
  if (!state.pacer) return;
  state.pacer->finish();
  state.changed.wait_for(lock, kLongestDrain,
                         [&] { return state.pacer->waiting() == 0 || state.flushing; });
}

gboolean event(GstBaseSink* sink, GstEvent* event) {
  State& state = state_of(sink);
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) drain(state);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    const std::lock_guard lock(state.mutex);
    if (state.pacer) state.pacer->clear();
  }
  return GST_BASE_SINK_CLASS(dragoman_ari_udp_sink_parent_class)->event(sink, event);
}

gboolean unlock(GstBaseSink* sink) {
  State& state = state_of(sink);
  const std::lock_guard lock(state.mutex);
  state.flushing = true;
  state.changed.notify_all();
  return TRUE;
}

gboolean unlock_stop(GstBaseSink* sink) {
  State& state = state_of(sink);
  const std::lock_guard lock(state.mutex);
  state.flushing = false;
  return TRUE;
}

gboolean stop(GstBaseSink* sink) {
  State& state = state_of(sink);
  {
    const std::lock_guard lock(state.mutex);
    state.stopping = true;
    state.wake();
  }
  if (state.sender.joinable()) state.sender.join();
  state.source.reset();
  state.resampler.reset();
  return TRUE;
}

void set_playing(State& state, gboolean playing) {
  const std::lock_guard lock(state.mutex);
  state.playing = playing;
  state.wake();
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
  State& state = state_of(element);
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED) set_playing(state, FALSE);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(dragoman_ari_udp_sink_parent_class)->change_state(element, change);
  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING && result != GST_STATE_CHANGE_FAILURE) {
    set_playing(state, TRUE);
  }
  return result;
}

// Properties.

GstStructure* new_stats(State& state) {
  const std::lock_guard lock(state.mutex);
  const Stats& stats = state.stats;
  return gst_structure_new("application/x-ariudpsink-stats", "sent", G_TYPE_UINT64, stats.sent,
                           "send-errors", G_TYPE_UINT64, stats.send_errors, "dropped-no-peer",
                           G_TYPE_UINT64, stats.dropped_no_peer, "silence-packets", G_TYPE_UINT64,
                           stats.silence_packets, "skipped", G_TYPE_UINT64, stats.skipped, nullptr);
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  const std::lock_guard lock(state.mutex);
  switch (id) {
    case kSource:
      state.settings.source = g_value_get_string(value) ? g_value_get_string(value) : "";
      break;
    case kFormat:
      state.settings.format = static_cast<PayloadFormat>(g_value_get_enum(value));
      break;
    case kPtime:
      state.settings.ptime_ms = g_value_get_uint(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State& state = state_of(object);
  if (id == kStats) {
    g_value_take_boxed(value, new_stats(state));
    return;
  }
  const std::lock_guard lock(state.mutex);
  switch (id) {
    case kSource:
      g_value_set_string(value, state.settings.source.c_str());
      break;
    case kFormat:
      g_value_set_enum(value, static_cast<int>(state.settings.format));
      break;
    case kPtime:
      g_value_set_uint(value, state.settings.ptime_ms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void install_properties(GObjectClass* object) {
  constexpr auto kFixed = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  constexpr auto kRead = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      object, kSource,
      g_param_spec_string("source", "Source",
                          "Name of the ariudpsrc in the same pipeline whose socket sends and whose "
                          "peer hears; empty: the only one",
                          "", kFixed));
  g_object_class_install_property(
      object, kFormat,
      g_param_spec_enum("format", "Format", "Payload format sent", sendable_format_type(),
                        static_cast<int>(kDefaultFormat), kFixed));
  g_object_class_install_property(
      object, kPtime,
      g_param_spec_uint("ptime", "Packet time", "Audio in one packet, in ms", 10, 60,
                        kDefaultPtimeMs, kFixed));
  g_object_class_install_property(
      object, kStats,
      g_param_spec_boxed("stats", "Statistics",
                         "sent, silence-packets (of these), send-errors, dropped-no-peer, skipped "
                         "(not sent after a stall): counts of packets",
                         GST_TYPE_STRUCTURE, kRead));
}

void finalize(GObject* object) {
  delete DRAGOMAN_ARI_UDP_SINK(object)->state;
  G_OBJECT_CLASS(dragoman_ari_udp_sink_parent_class)->finalize(object);
}

}  // namespace
}  // namespace dragoman

static void dragoman_ari_udp_sink_init(DragomanAriUdpSink* self) {
  self->state = new dragoman::State;
  // A packet leaves at its tick; upstream need not come earlier for it.
  gst_base_sink_set_processing_deadline(GST_BASE_SINK(self), 0);
}

static void dragoman_ari_udp_sink_class_init(DragomanAriUdpSinkClass* klass) {
  using namespace dragoman;
  GST_DEBUG_CATEGORY_INIT(category, "ariudpsink", 0, "Audio to Asterisk's external media");
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = finalize;
  install_properties(object);
  auto* element = GST_ELEMENT_CLASS(klass);
  element->change_state = change_state;
  gst_element_class_add_static_pad_template(element, &sink_template);
  gst_element_class_set_static_metadata(
      element, "Asterisk external media sink", "Sink/Network/Audio",
      "Paced RTP to Asterisk's external media, from the socket of an ariudpsrc", "Dragoman");
  auto* sink = GST_BASE_SINK_CLASS(klass);
  sink->start = start;
  sink->set_caps = set_caps;
  sink->render = render;
  sink->event = event;
  sink->unlock = unlock;
  sink->unlock_stop = unlock_stop;
  sink->stop = stop;
  gst_type_mark_as_plugin_api(sendable_format_type(), static_cast<GstPluginAPIFlags>(0));
}
