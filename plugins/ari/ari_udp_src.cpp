// SPDX-License-Identifier: LGPL-2.1-or-later
// ariudpsrc: the audio of Asterisk's external media, by the clock.
//
// A live source. Binds a UDP port, takes RTP (or plain PCM datagrams) from the expected peer only,
// reorders it in a jitter buffer, makes up for what is lost (fading out within 60 ms) and gives
// silence, flagged GAP, when nothing comes: the stream begins at once and never stops. Audio that
// comes in time leaves as it comes; `latency` is only waited for what is missing.
//
// Caps: audio/x-raw, S16LE, 16 kHz, mono, whatever the format on the wire; buffers of 20 ms
// (shorter ones where audio begins).
//
// Messages: media-started (messages.h) for the first packet of each peer it settles on. WARNING,
// once per address and 10 s, for packets from anybody else; once per payload type for a wrong one.
// ERROR when the port cannot be bound.
//
// Events: readings (readings.h), downstream: of parameters 33-35 and 37-39 per packet; of 36 and
// 48-52 each 100 ms; of 40-47 at the end of each second of UTC. A packet that was counted lost and
// comes after all takes its count back (lost -1). Of a stream of plain PCM only 48-52 are known.
//
// R factor and MOS (stream_report.h) are those of the last five seconds: lost and late packets,
// their burst ratio, the codec, and as delay the latency and one packet; the network's own delay is
// not known.
//
// Latency: `latency`. Threads: udpsrc's, two of the jitter buffer, and the source's own.
//
// gst-launch-1.0 ariudpsrc port=4000 format=slin16 ! audioconvert ! autoaudiosink
//
// Since: 0.1
#include "plugins/ari/ari_udp_src.h"

#include <gst/net/gstnet.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <ctime>
#include <mutex>
#include <optional>

#include "plugins/ari/media_stats.h"
#include "plugins/ari/packet_gate.h"
#include "plugins/ari/playout_src.h"
#include "plugins/common/messages.h"
#include "plugins/common/pipeline_clock.h"

namespace dragoman {
namespace {

GST_DEBUG_CATEGORY_STATIC(category);
#define GST_CAT_DEFAULT category

constexpr char kDefaultAddress[] = "127.0.0.1";
constexpr int kDefaultPort = 0;
constexpr auto kDefaultFormat = PayloadFormat::kSlin16;
constexpr auto kDefaultEncapsulation = Encapsulation::kRtp;
constexpr guint kDefaultLatencyMs = 40;
// The jitter buffer gives up on a packet by this part of the latency earlier than the play-out on
// its audio, so that what came behind a lost packet is there when it is due.
constexpr guint kJitterBufferLead = 4;

enum Property {
  kAddress = 1,
  kPort,
  kPeer,
  kFormat,
  kEncapsulation,
  kLatency,
  kSocket,
  kMaxObservedDelay,
  kStats,
};

GType encapsulation_type() {
  static const GEnumValue values[] = {{static_cast<int>(Encapsulation::kRtp), "RTP", "rtp"},
                                      {static_cast<int>(Encapsulation::kNone),
                                       "the payload alone, linear formats little-endian", "none"},
                                      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("DragomanAriEncapsulation", values);
  return type;
}

struct Settings {
  std::string address = kDefaultAddress;
  int port = kDefaultPort;
  std::string peer;
  PayloadFormat format = kDefaultFormat;
  Encapsulation encapsulation = kDefaultEncapsulation;
  guint latency_ms = kDefaultLatencyMs;
};

// `mutex` guards everything but the elements, which change only with the bin's state; of those it
// guards the jitter buffer, which statistics look at.
struct State final : PlayoutHost {
  std::mutex mutex;
  Settings settings;
  std::optional<PacketGate> gate;
  GObjectPtr<GSocket> socket;
  int bound_port = 0;

  GstElement* playout = nullptr;  // the bin's, for its whole life
  GstObjectPtr<GstElement> udp, jitterbuffer, depayloader;

  std::vector<PacketReadings> take_packet_readings() override {
    const std::lock_guard lock(mutex);
    return gate ? gate->take_readings() : std::vector<PacketReadings>{};
  }

  int64_t waiting_in_jitter_buffer_ns() override {
    const std::lock_guard lock(mutex);
    return gate ? gate->report().waiting_ns() : 0;
  }

  StreamFigures end_interval(int64_t interval_ns) override {
    const std::lock_guard lock(mutex);
    return gate ? gate->report().end_interval(gate->account(), interval_ns) : StreamFigures{};
  }

  void judged(bool in_time) override {
    const std::lock_guard lock(mutex);
    if (gate) gate->report().judged(in_time);
  }

  uint64_t late_in_jitter_buffer() override {
    std::unique_lock lock(mutex);
    GstObjectPtr<GstElement> held(jitterbuffer ? GST_ELEMENT(gst_object_ref(jitterbuffer.get()))
                                               : nullptr);
    lock.unlock();
    if (!held) return 0;
    GstStructure* stats = nullptr;
    g_object_get(held.get(), "stats", &stats, nullptr);
    StructurePtr owned(stats);
    guint64 late = 0;
    if (stats) gst_structure_get_uint64(stats, "num-late", &late);
    return late;
  }
};

}  // namespace
}  // namespace dragoman

struct _DragomanAriUdpSrc {
  GstBin parent;
  dragoman::State* state;
};

G_DEFINE_FINAL_TYPE(DragomanAriUdpSrc, dragoman_ari_udp_src, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DEFINE(ariudpsrc, "ariudpsrc", GST_RANK_NONE, DRAGOMAN_TYPE_ARI_UDP_SRC);

namespace dragoman {
namespace {

GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
                    "rate=(int)16000, channels=(int)1"));

// The socket.

/// When the kernel got the packet that was read last: what jitter is to be measured by, as our own
/// threads' has no place in it. UTC, ns; without the kernel's help, now.
int64_t kernel_time_ns(GSocket* socket) {
  struct timespec time;
  if (ioctl(g_socket_get_fd(socket), SIOCGSTAMPNS, &time) != 0) return g_get_real_time() * 1000;
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool bind_socket(DragomanAriUdpSrc* self) {
  State& state = *self->state;
  std::unique_lock lock(state.mutex);
  const Settings settings = state.settings;
  lock.unlock();
  GObjectPtr<GSocketAddress> address(g_inet_socket_address_new_from_string(
      settings.address.c_str(), static_cast<guint>(settings.port)));
  if (!address) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("\"%s\" is no IP address; set the property \"address\" to one of this "
                       "machine's",
                       settings.address.c_str()),
                      (nullptr));
    return false;
  }
  GError* failure = nullptr;
  GObjectPtr<GSocket> socket(g_socket_new(g_socket_address_get_family(address.get()),
                                          G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &failure));
  if (!socket || !g_socket_bind(socket.get(), address.get(), FALSE, &failure)) {
    ErrorPtr error(failure);
    const bool used = g_error_matches(error.get(), G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    GST_ELEMENT_ERROR(
        self, RESOURCE, OPEN_READ,
        ("cannot receive on UDP port %d of %s: %s", settings.port, settings.address.c_str(),
         used ? "it is in use; end the program that has it (ss -ulpn shows which), or set another "
                "port (0 picks a free one)"
              : error->message),
        (nullptr));
    return false;
  }
  GObjectPtr<GSocketAddress> bound(g_socket_get_local_address(socket.get(), nullptr));
  kernel_time_ns(socket.get());  // the first question makes it keep time
  lock.lock();
  state.bound_port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get()));
  state.socket = std::move(socket);
  return true;
}

void close_socket(State& state) {
  std::unique_lock lock(state.mutex);
  GObjectPtr<GSocket> socket = std::move(state.socket);
  state.bound_port = 0;
  lock.unlock();
  if (socket) g_socket_close(socket.get(), nullptr);
}

// The gate: udpsrc's thread.

void post_media_started(DragomanAriUdpSrc* self, const PacketGate::Decision& decision) {
  gst_element_post_message(
      GST_ELEMENT(self),
      gst_message_new_element(
          GST_OBJECT(self),
          gst_structure_new(messages::kMediaStarted, "peer", G_TYPE_STRING,
                            decision.started_by.c_str(), "payload-type", G_TYPE_UINT,
                            static_cast<guint>(decision.payload_type), "at-utc", G_TYPE_UINT64,
                            utc_now_ns(), nullptr)));
}

PacketGate::Decision judge(State& state, GstBuffer* buffer) {
  const GstNetAddressMeta* meta = gst_buffer_get_net_address_meta(buffer);
  const GstClockTime arrival =
      GST_BUFFER_DTS_IS_VALID(buffer) ? GST_BUFFER_DTS(buffer) : GST_BUFFER_PTS(buffer);
  GstMapInfo map;
  if (!meta || !G_IS_INET_SOCKET_ADDRESS(meta->addr) || !GST_CLOCK_TIME_IS_VALID(arrival) ||
      !gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) {
    return {};
  }
  PacketGate::Decision decision;
  {
    const std::lock_guard lock(state.mutex);
    if (state.gate && state.socket) {
      decision =
          state.gate->judge({map.data, map.size}, G_INET_SOCKET_ADDRESS(meta->addr),
                            static_cast<int64_t>(arrival), kernel_time_ns(state.socket.get()));
    }
  }
  gst_buffer_unmap(buffer, &map);
  return decision;
}

GstPadProbeReturn on_packet(GstPad*, GstPadProbeInfo* info, gpointer user_data) {
  auto* self = static_cast<DragomanAriUdpSrc*>(user_data);
  return guarded(self, GST_PAD_PROBE_DROP, [&] {
    GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
    const PacketGate::Decision decision = judge(*self->state, buffer);
    if (!decision.warning.empty()) {
      GST_ELEMENT_WARNING(self, RESOURCE, READ, ("%s", decision.warning.c_str()), (nullptr));
    }
    if (!decision.started_by.empty()) post_media_started(self, decision);
    return decision.pass ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
  });
}

// The jitter buffer's far end: its thread.

GstPadProbeReturn on_packet_out(GstPad*, GstPadProbeInfo* info, gpointer user_data) {
  State& state = *static_cast<DragomanAriUdpSrc*>(user_data)->state;
  uint8_t header[kRtpHeaderSize];
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  if (gst_buffer_extract(buffer, 0, header, sizeof header) != sizeof header)
    return GST_PAD_PROBE_OK;
  const std::lock_guard lock(state.mutex);
  if (state.gate) state.gate->report().leaves_buffer(rtp_sequence(header));
  return GST_PAD_PROBE_OK;
}

// The inner elements of the network's side, made for one format.

GstElement* make(DragomanAriUdpSrc* self, const char* factory) {
  GstElement* element = gst_element_factory_make(factory, factory);
  if (!element) {
    GST_ELEMENT_ERROR(self, CORE, MISSING_PLUGIN,
                      ("no element \"%s\": install the package gstreamer1.0-plugins-good", factory),
                      (nullptr));
    return nullptr;
  }
  gst_bin_add(GST_BIN(self), element);
  return GST_ELEMENT(gst_object_ref(element));
}

GstCaps* rtp_caps(const PayloadInfo& info) {
  return gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, "audio", "payload",
                             G_TYPE_INT, static_cast<int>(info.internal_type), "clock-rate",
                             G_TYPE_INT, static_cast<int>(info.clock_rate), "encoding-name",
                             G_TYPE_STRING, info.encoding, "channels", G_TYPE_INT, 1, nullptr);
}

bool build_udp(DragomanAriUdpSrc* self, const Settings& settings) {
  State& state = *self->state;
  state.udp.reset(make(self, "udpsrc"));
  if (!state.udp) return false;
  g_object_set(state.udp.get(), "socket", state.socket.get(), "close-socket", FALSE, "address",
               settings.address.c_str(), "port", state.bound_port, nullptr);
  GstObjectPtr<GstPad> pad(gst_element_get_static_pad(state.udp.get(), "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_packet, self, nullptr);
  return true;
}

bool build_rtp(DragomanAriUdpSrc* self, const Settings& settings) {
  State& state = *self->state;
  const PayloadInfo& info = payload_info(settings.format);
  CapsPtr caps(rtp_caps(info));
  g_object_set(state.udp.get(), "caps", caps.get(), nullptr);
  GstElement* jitterbuffer = make(self, "rtpjitterbuffer");
  {
    const std::lock_guard lock(state.mutex);
    state.jitterbuffer.reset(jitterbuffer);
  }
  state.depayloader.reset(make(self, info.depayloader));
  if (!jitterbuffer || !state.depayloader) return false;
  GstObjectPtr<GstPad> pad(gst_element_get_static_pad(jitterbuffer, "src"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_packet_out, self, nullptr);
  g_object_set(jitterbuffer, "latency",
               settings.latency_ms - settings.latency_ms / kJitterBufferLead,
               "faststart-min-packets", 1u, nullptr);
  return gst_element_link_many(state.udp.get(), jitterbuffer, state.depayloader.get(),
                               state.playout, nullptr);
}

bool build(DragomanAriUdpSrc* self) {
  State& state = *self->state;
  std::unique_lock lock(state.mutex);
  const Settings settings = state.settings;
  const GstClockTime latency = settings.latency_ms * GST_MSECOND;
  state.gate.emplace(PacketGate::Settings{.format = settings.format,
                                          .encapsulation = settings.encapsulation,
                                          .latency_ns = static_cast<int64_t>(latency)});
  lock.unlock();
  const bool rtp = settings.encapsulation == Encapsulation::kRtp;
  configure_playout(DRAGOMAN_ARI_PLAYOUT(state.playout),
                    {.format = settings.format,
                     .order = rtp ? ByteOrder::kNetwork : ByteOrder::kLittle,
                     .latency = latency,
                     // Plain datagrams have no other time than that of their arrival.
                     .tolerance = rtp ? 10 * GST_MSECOND : latency});
  if (!build_udp(self, settings)) return false;
  return rtp ? build_rtp(self, settings) : gst_element_link(state.udp.get(), state.playout) == TRUE;
}

void demolish(DragomanAriUdpSrc* self) {
  State& state = *self->state;
  std::unique_lock lock(state.mutex);
  GstObjectPtr<GstElement> elements[] = {std::move(state.udp), std::move(state.jitterbuffer),
                                         std::move(state.depayloader)};
  lock.unlock();
  for (const GstObjectPtr<GstElement>& element : elements) {
    if (!element) continue;
    gst_element_set_state(element.get(), GST_STATE_NULL);
    gst_bin_remove(GST_BIN(self), element.get());
  }
  close_socket(state);
}

// The peer.

/// Reads the property and lets the gate expect it; false, and `problem`, if it makes no sense.
bool apply_peer(State& state, std::string& problem) {
  std::unique_lock lock(state.mutex);
  const std::string text = state.settings.peer;
  lock.unlock();
  PeerAddress peer;
  if (!PeerAddress::parse(text.c_str(), peer, problem)) {
    problem = "peer \"" + text + "\" is neither \"host\" nor \"host:port\": " + problem;
    return false;
  }
  lock.lock();
  if (state.gate) state.gate->peers().expect(std::move(peer));
  return true;
}

void set_peer(DragomanAriUdpSrc* self, const char* text) {
  State& state = *self->state;
  std::unique_lock lock(state.mutex);
  state.settings.peer = text ? text : "";
  const bool open = state.socket != nullptr;
  lock.unlock();
  std::string problem;
  if (open && !apply_peer(state, problem)) {
    GST_ELEMENT_WARNING(self, RESOURCE, SETTINGS, ("%s; the one before stays", problem.c_str()),
                        (nullptr));
  }
}

// States.

bool open(DragomanAriUdpSrc* self) {
  if (!bind_socket(self) || !build(self)) return false;
  std::string problem;
  if (apply_peer(*self->state, problem)) return true;
  GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", problem.c_str()), (nullptr));
  return false;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange change) {
  auto* self = DRAGOMAN_ARI_UDP_SRC(element);
  return guarded(element, GST_STATE_CHANGE_FAILURE, [&] {
    if (change == GST_STATE_CHANGE_NULL_TO_READY && !open(self)) {
      demolish(self);
      return GST_STATE_CHANGE_FAILURE;
    }
    const GstStateChangeReturn result =
        GST_ELEMENT_CLASS(dragoman_ari_udp_src_parent_class)->change_state(element, change);
    if (change == GST_STATE_CHANGE_PAUSED_TO_READY) {
      const std::lock_guard lock(self->state->mutex);
      self->state->gate->peers().release();
    }
    const bool failed = result == GST_STATE_CHANGE_FAILURE;
    if (change == GST_STATE_CHANGE_READY_TO_NULL ||
        (failed && change == GST_STATE_CHANGE_NULL_TO_READY)) {
      demolish(self);
    }
    return result;
  });
}

// Statistics.

GstStructure* new_stats(DragomanAriUdpSrc* self) {
  State& state = *self->state;
  PlayoutStats playout = playout_stats(DRAGOMAN_ARI_PLAYOUT(state.playout));
  const uint64_t late = state.late_in_jitter_buffer() + playout.counters.late;
  const std::lock_guard lock(state.mutex);
  if (!state.gate) return new_media_stats(nullptr, playout, late);
  playout.depth_ms += static_cast<double>(state.gate->report().waiting_ns()) / GST_MSECOND;
  return new_media_stats(&*state.gate, playout, late);
}

// Properties.

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  auto* self = DRAGOMAN_ARI_UDP_SRC(object);
  if (id == kPeer) {
    set_peer(self, g_value_get_string(value));
    return;
  }
  State& state = *self->state;
  const std::lock_guard lock(state.mutex);
  switch (id) {
    case kAddress:
      state.settings.address = g_value_get_string(value) ? g_value_get_string(value) : "";
      break;
    case kPort:
      state.settings.port = g_value_get_int(value);
      break;
    case kFormat:
      state.settings.format = static_cast<PayloadFormat>(g_value_get_enum(value));
      break;
    case kEncapsulation:
      state.settings.encapsulation = static_cast<Encapsulation>(g_value_get_enum(value));
      break;
    case kLatency:
      state.settings.latency_ms = g_value_get_uint(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  auto* self = DRAGOMAN_ARI_UDP_SRC(object);
  State& state = *self->state;
  if (id == kStats) {
    g_value_take_boxed(value, new_stats(self));
    return;
  }
  const std::lock_guard lock(state.mutex);
  const Settings& settings = state.settings;
  switch (id) {
    case kAddress:
      g_value_set_string(value, settings.address.c_str());
      break;
    case kPort:
      g_value_set_int(value, state.bound_port ? state.bound_port : settings.port);
      break;
    case kPeer:
      g_value_set_string(value, settings.peer.c_str());
      break;
    case kFormat:
      g_value_set_enum(value, static_cast<int>(settings.format));
      break;
    case kEncapsulation:
      g_value_set_enum(value, static_cast<int>(settings.encapsulation));
      break;
    case kLatency:
      g_value_set_uint(value, settings.latency_ms);
      break;
    case kSocket:
      g_value_set_object(value, state.socket.get());
      break;
    case kMaxObservedDelay:
      g_value_set_uint64(value, state.gate ? state.gate->timeline().max_delay_ns() : 0);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void install_properties(GObjectClass* object) {
  constexpr auto kFixed = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  constexpr auto kLive = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                  GST_PARAM_MUTABLE_PLAYING);
  constexpr auto kRead = static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  const auto install = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object, id, spec);
  };
  install(kAddress,
          g_param_spec_string("address", "Address", "IP address to receive on; set in NULL",
                              kDefaultAddress, kFixed));
  install(kPort, g_param_spec_int("port", "Port",
                                  "UDP port to receive on; 0 picks a free one, which is read back "
                                  "from READY on; set in NULL",
                                  0, 65535, kDefaultPort, kFixed));
  install(kPeer, g_param_spec_string("peer", "Peer",
                                     "Whose audio is taken, \"host\" or \"host:port\"; empty or "
                                     "without port: the first valid sender (of that host)",
                                     "", kLive));
  install(kFormat,
          g_param_spec_enum("format", "Format", "Payload format expected; set in NULL",
                            payload_format_type(), static_cast<int>(kDefaultFormat), kFixed));
  install(
      kEncapsulation,
      g_param_spec_enum("encapsulation", "Encapsulation", "What is around the payload; set in NULL",
                        encapsulation_type(), static_cast<int>(kDefaultEncapsulation), kFixed));
  install(kLatency, g_param_spec_uint("latency", "Latency",
                                      "How long missing audio is waited for, in ms; set in NULL",
                                      20, 1000, kDefaultLatencyMs, kFixed));
  install(kSocket, g_param_spec_object("socket", "Socket", "The socket bound, from READY on",
                                       G_TYPE_SOCKET, kRead));
  install(kMaxObservedDelay,
          g_param_spec_uint64("max-observed-delay", "Maximum observed delay",
                              "Longest a packet came behind the fastest of its time, in ns", 0,
                              G_MAXUINT64, 0, kRead));
  install(kStats,
          g_param_spec_boxed("stats", "Statistics", kStatsFields, GST_TYPE_STRUCTURE, kRead));
}

void finalize(GObject* object) {
  State* state = DRAGOMAN_ARI_UDP_SRC(object)->state;
  G_OBJECT_CLASS(dragoman_ari_udp_src_parent_class)->finalize(object);
  delete state;
}

}  // namespace

MediaPath media_path(DragomanAriUdpSrc* source) {
  State& state = *source->state;
  const std::lock_guard lock(state.mutex);
  MediaPath path;
  if (state.socket) path.socket.reset(G_SOCKET(g_object_ref(state.socket.get())));
  GSocketAddress* remote = state.gate ? state.gate->peers().remote() : nullptr;
  if (remote) path.remote.reset(G_SOCKET_ADDRESS(g_object_ref(remote)));
  return path;
}

}  // namespace dragoman

static void dragoman_ari_udp_src_init(DragomanAriUdpSrc* self) {
  using namespace dragoman;
  self->state = new State;
  self->state->playout = new_playout(self->state);
  gst_bin_add(GST_BIN(self), self->state->playout);
  GstObjectPtr<GstPad> target(gst_element_get_static_pad(self->state->playout, "src"));
  GstObjectPtr<GstPadTemplate> pad_template(gst_static_pad_template_get(&src_template));
  gst_element_add_pad(GST_ELEMENT(self),
                      gst_ghost_pad_new_from_template("src", target.get(), pad_template.get()));
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

static void dragoman_ari_udp_src_class_init(DragomanAriUdpSrcClass* klass) {
  using namespace dragoman;
  GST_DEBUG_CATEGORY_INIT(category, "ariudpsrc", 0, "Audio from Asterisk's external media");
  auto* object = G_OBJECT_CLASS(klass);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = finalize;
  install_properties(object);
  auto* element = GST_ELEMENT_CLASS(klass);
  element->change_state = change_state;
  gst_element_class_add_static_pad_template(element, &src_template);
  gst_element_class_set_static_metadata(
      element, "Asterisk external media source", "Source/Network/Audio",
      "Audio from Asterisk's external media (RTP or plain PCM over UDP), by the clock", "Dragoman");
  gst_type_mark_as_plugin_api(payload_format_type(), static_cast<GstPluginAPIFlags>(0));
  gst_type_mark_as_plugin_api(encapsulation_type(), static_cast<GstPluginAPIFlags>(0));
}
