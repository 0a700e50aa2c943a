// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-voicedsp
 * @title: voicedsp
 * @short_description: webrtcdsp whose settings change while it plays, without a click
 *
 * Noise suppression, gain control, high-pass filter and echo cancellation of #webrtcdsp, which it
 * runs inside. webrtcdsp takes its settings only when it is set up; here every property works at
 * any time: a second webrtcdsp with the new settings runs beside the first for 600 ms, until it has
 * settled, and then one is faded into the other within 40 ms. What changes meanwhile comes after.
 *
 * ## Echo cancellation
 * What the speaker hears goes through far_sink to far_src, untouched and without latency; linked
 * so, #voicedsp:echo-cancel takes its echo out of what he says. Both must have one sample rate. The
 * delay of the echo, up to 500 ms, is measured once a second and the far end held back by it, as
 * webrtcdsp finds an echo only within some 50 ms of where it looks. With far_sink not linked there
 * is a warning and no cancellation.
 *
 * ## Caps
 * audio/x-raw, S16LE, interleaved, 8000, 16000, 32000 or 48000 Hz.
 *
 * ## Latency
 * Frames of 10 ms leave when they are full; noise suppression delays the voice by 6 ms more.
 *
 * ## Threads
 * No thread of its own. The near stream's makes a webrtcdsp at a change (about a millisecond).
 *
 * ## Example
 * |[
 * gst-launch-1.0 audiotestsrc wave=pink-noise num-buffers=200 !
 * audio/x-raw,format=S16LE,rate=16000,channels=1 ! voicedsp noise-suppression=true ! wavenc !
 * filesink location=/tmp/quiet.wav
 * ]|
 *
 * Since: 0.1
 */
#include <gst/audio/audio.h>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/station/dsp_switch.h"
#include "plugins/station/echo_path.h"
#include "plugins/station/elements.h"

GST_DEBUG_CATEGORY_STATIC(voicedsp_debug);
#define GST_CAT_DEFAULT voicedsp_debug

namespace {

using dragoman::BufferPtr;
using dragoman::DspChain;
using dragoman::DspSettings;
using dragoman::DspSwitch;
using dragoman::EchoPath;
using dragoman::guarded;

constexpr DspSettings kDefault{};

enum Property {
  kPropEchoCancel = 1,
  kPropNoiseSuppression,
  kPropNoiseSuppressionLevel,
  kPropGainControl,
  kPropTargetLevel,
  kPropCompressionGain,
  kPropHighPass
};

struct State {
  explicit State(DspSwitch::Make make) : dsp(std::move(make)) {}

  DspSwitch dsp;  ///< the near stream's thread
  EchoPath echo;  ///< each stream's thread its own

  std::mutex mutex;  // guards what follows; never held while pushing
  DspSettings wanted;
  std::vector<std::weak_ptr<DspChain>> with_far_end;
};

}  // namespace

G_BEGIN_DECLS
G_DECLARE_FINAL_TYPE(VoiceDsp, voice_dsp, DRAGOMAN, VOICE_DSP, GstElement)
G_END_DECLS

struct _VoiceDsp {
  GstElement parent;
  GstPad *sink, *src, *far_sink, *far_src;
  State* state;
};

G_DEFINE_FINAL_TYPE(VoiceDsp, voice_dsp, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(voicedsp, "voicedsp", GST_RANK_NONE, voice_dsp_get_type())

namespace {

#define VOICEDSP_CAPS                                                     \
  "audio/x-raw, format = (string) S16LE, layout = (string) interleaved, " \
  "rate = (int) { 48000, 32000, 16000, 8000 }, channels = (int) [ 1, 2 ]"

GstStaticPadTemplate kSink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(VOICEDSP_CAPS));
GstStaticPadTemplate kSrc =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(VOICEDSP_CAPS));
GstStaticPadTemplate kFarSink = GST_STATIC_PAD_TEMPLATE("far_sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                                                        GST_STATIC_CAPS(VOICEDSP_CAPS));
GstStaticPadTemplate kFarSrc =
    GST_STATIC_PAD_TEMPLATE("far_src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(VOICEDSP_CAPS));

std::shared_ptr<DspChain> make_chain(VoiceDsp* self, const DspSettings& settings) {
  const bool far_end = gst_pad_is_linked(self->far_sink);
  if (settings.echo_cancel && !far_end)
    GST_ELEMENT_WARNING(self, STREAM, FAILED,
                        ("no echo is cancelled: nobody tells what the speaker hears; link that "
                         "through far_sink and far_src"),
                        (nullptr));
  const auto chain =
      std::make_shared<DspChain>(settings, self->sink, far_end ? self->far_sink : nullptr);
  State* state = self->state;
  const std::lock_guard lock(state->mutex);
  std::erase_if(state->with_far_end, [](const auto& held) { return held.expired(); });
  if (far_end && settings.echo_cancel) {
    state->with_far_end.push_back(chain);
  }
  return chain;
}

/// Those that need the far end, to be used without the lock.
std::vector<std::shared_ptr<DspChain>> with_far_end(State* state) {
  std::vector<std::shared_ptr<DspChain>> chains;
  const std::lock_guard lock(state->mutex);
  for (const auto& held : state->with_far_end)
    if (auto chain = held.lock()) chains.push_back(std::move(chain));
  return chains;
}

bool cancels_echo(VoiceDsp* self) {
  const std::lock_guard lock(self->state->mutex);
  return self->state->wanted.echo_cancel;
}

/// Tells `hear` the samples of `buffer` and the running time of their end.
void tell(GstPad* pad, GstBuffer* buffer, EchoPath& echo,
          void (EchoPath::*hear)(std::span<const int16_t>, uint64_t)) {
  GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  if (!event) return;
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event, &segment);
  const GstClockTime time =
      gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  gst_event_unref(event);
  GstMapInfo map;
  if (!GST_CLOCK_TIME_IS_VALID(time) || !GST_BUFFER_DURATION_IS_VALID(buffer) ||
      !gst_buffer_map(buffer, &map, GST_MAP_READ))
    return;
  (echo.*hear)({reinterpret_cast<const int16_t*>(map.data), map.size / sizeof(int16_t)},
               time + GST_BUFFER_DURATION(buffer));
  gst_buffer_unmap(buffer, &map);
}

bool parse_audio(GstEvent* event, GstAudioInfo& info) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  return gst_audio_info_from_caps(&info, caps);
}

// The near stream.

GstFlowReturn near_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  auto* self = reinterpret_cast<VoiceDsp*>(parent);
  return guarded<GstFlowReturn>(self, GST_FLOW_ERROR, [&] {
    State* state = self->state;
    DspSettings wanted;
    {
      const std::lock_guard lock(state->mutex);
      wanted = state->wanted;
    }
    if (wanted.echo_cancel) {
      tell(self->sink, buffer, state->echo, &EchoPath::hear_near);
      wanted.far_hold_ms = state->echo.hold_ms();
    }
    std::vector<BufferPtr> out;
    GstFlowReturn flow = state->dsp.process(buffer, wanted, out);
    if (flow < GST_FLOW_EOS)
      GST_ELEMENT_ERROR(self, STREAM, FAILED,
                        ("webrtcdsp takes no more audio (%s); echo cancellation needs the same "
                         "sample rate on sink and far_sink",
                         gst_flow_get_name(flow)),
                        (nullptr));
    for (BufferPtr& frame : out) {
      if (flow != GST_FLOW_OK) break;
      flow = gst_pad_push(self->src, frame.release());
    }
    return flow;
  });
}

gboolean near_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto* self = reinterpret_cast<VoiceDsp*>(parent);
  State* state = self->state;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstAudioInfo info;
      if (!parse_audio(event, info)) {
        gst_event_unref(event);
        return FALSE;
      }
      state->dsp.set_format(GST_AUDIO_INFO_RATE(&info), GST_AUDIO_INFO_CHANNELS(&info));
      state->echo.set_near_format(GST_AUDIO_INFO_RATE(&info), GST_AUDIO_INFO_CHANNELS(&info));
      break;
    }
    case GST_EVENT_FLUSH_STOP:
      state->dsp.reset();
      break;
    case GST_EVENT_SEGMENT:
      state->dsp.event(event);
      break;
    default:
      break;
  }
  return gst_pad_event_default(pad, parent, event);
}

// The far one.

GstFlowReturn far_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  auto* self = reinterpret_cast<VoiceDsp*>(parent);
  return guarded<GstFlowReturn>(self, GST_FLOW_ERROR, [&] {
    if (cancels_echo(self)) tell(self->far_sink, buffer, self->state->echo, &EchoPath::hear_far);
    for (const auto& chain : with_far_end(self->state)) chain->feed_far(buffer);
    return gst_pad_push(self->far_src, buffer);
  });
}

gboolean far_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto* self = reinterpret_cast<VoiceDsp*>(parent);
  const GstEventType type = GST_EVENT_TYPE(event);
  if (GstAudioInfo info; type == GST_EVENT_CAPS && parse_audio(event, info))
    self->state->echo.set_far_format(GST_AUDIO_INFO_RATE(&info), GST_AUDIO_INFO_CHANNELS(&info));
  if (type == GST_EVENT_CAPS || type == GST_EVENT_SEGMENT || type == GST_EVENT_STREAM_START)
    for (const auto& chain : with_far_end(self->state)) chain->far_event(gst_event_ref(event));
  return gst_pad_event_default(pad, parent, event);
}

/// Near to near, far to far.
GstIterator* internal_links(GstPad* pad, GstObject* parent) {
  auto* self = reinterpret_cast<VoiceDsp*>(parent);
  GstPad* other = pad == self->sink       ? self->src
                  : pad == self->src      ? self->sink
                  : pad == self->far_sink ? self->far_src
                                          : self->far_sink;
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_PAD);
  g_value_set_object(&value, other);
  GstIterator* iterator = gst_iterator_new_single(GST_TYPE_PAD, &value);
  g_value_unset(&value);
  return iterator;
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
  auto* self = reinterpret_cast<VoiceDsp*>(element);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(voice_dsp_parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) self->state->dsp.reset();
  return result;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  State* state = reinterpret_cast<VoiceDsp*>(object)->state;
  const std::lock_guard lock(state->mutex);
  DspSettings& wanted = state->wanted;
  switch (id) {
    case kPropEchoCancel:
      wanted.echo_cancel = g_value_get_boolean(value);
      break;
    case kPropNoiseSuppression:
      wanted.noise_suppression = g_value_get_boolean(value);
      break;
    case kPropNoiseSuppressionLevel:
      wanted.noise_suppression_level = g_value_get_enum(value);
      break;
    case kPropGainControl:
      wanted.gain_control = g_value_get_boolean(value);
      break;
    case kPropTargetLevel:
      wanted.target_level_dbfs = g_value_get_int(value);
      break;
    case kPropCompressionGain:
      wanted.compression_gain_db = g_value_get_int(value);
      break;
    case kPropHighPass:
      wanted.high_pass_filter = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  State* state = reinterpret_cast<VoiceDsp*>(object)->state;
  const std::lock_guard lock(state->mutex);
  const DspSettings& wanted = state->wanted;
  switch (id) {
    case kPropEchoCancel:
      return g_value_set_boolean(value, wanted.echo_cancel);
    case kPropNoiseSuppression:
      return g_value_set_boolean(value, wanted.noise_suppression);
    case kPropNoiseSuppressionLevel:
      return g_value_set_enum(value, wanted.noise_suppression_level);
    case kPropGainControl:
      return g_value_set_boolean(value, wanted.gain_control);
    case kPropTargetLevel:
      return g_value_set_int(value, wanted.target_level_dbfs);
    case kPropCompressionGain:
      return g_value_set_int(value, wanted.compression_gain_db);
    case kPropHighPass:
      return g_value_set_boolean(value, wanted.high_pass_filter);
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

GstPad* add_pad(VoiceDsp* self, GstStaticPadTemplate* pad_template, GstPadChainFunction chain,
                GstPadEventFunction event) {
  GstPad* pad = gst_pad_new_from_static_template(pad_template, pad_template->name_template);
  GST_PAD_SET_PROXY_CAPS(pad);
  gst_pad_set_iterate_internal_links_function(pad, internal_links);
  if (chain) gst_pad_set_chain_function(pad, chain);
  if (event) gst_pad_set_event_function(pad, event);
  gst_element_add_pad(GST_ELEMENT(self), pad);
  return pad;
}

GType noise_level_type() {
  static const GType type = [] {
    static const GEnumValue values[] = {{0, "Low Suppression", "low"},
                                        {1, "Moderate Suppression", "moderate"},
                                        {2, "High Suppression", "high"},
                                        {3, "Very High Suppression", "very-high"},
                                        {0, nullptr, nullptr}};
    return g_enum_register_static("DragomanNoiseSuppressionLevel", values);
  }();
  return type;
}

}  // namespace

static void voice_dsp_init(VoiceDsp* self) {
  self->state =
      new State([self](const DspSettings& settings) { return make_chain(self, settings); });
  self->sink = add_pad(self, &kSink, near_chain, near_event);
  self->src = add_pad(self, &kSrc, nullptr, nullptr);
  self->far_sink = add_pad(self, &kFarSink, far_chain, far_event);
  self->far_src = add_pad(self, &kFarSrc, nullptr, nullptr);
}

static void voice_dsp_finalize(GObject* object) {
  delete reinterpret_cast<VoiceDsp*>(object)->state;
  G_OBJECT_CLASS(voice_dsp_parent_class)->finalize(object);
}

static void voice_dsp_class_init(VoiceDspClass* klass) {
  GST_DEBUG_CATEGORY_INIT(voicedsp_debug, "voicedsp", 0, "DSP with settings that change");
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = voice_dsp_finalize;
  const auto flags =
      GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  const auto add = [object_class](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  add(kPropEchoCancel, g_param_spec_boolean("echo-cancel", "Echo cancellation",
                                            "Take out the echo of what goes through far_sink",
                                            kDefault.echo_cancel, flags));
  add(kPropNoiseSuppression,
      g_param_spec_boolean("noise-suppression", "Noise suppression", "Take steady noise out",
                           kDefault.noise_suppression, flags));
  add(kPropNoiseSuppressionLevel,
      g_param_spec_enum("noise-suppression-level", "Noise suppression level",
                        "How much of the noise; more distorts the voice more", noise_level_type(),
                        kDefault.noise_suppression_level, flags));
  add(kPropGainControl,
      g_param_spec_boolean("gain-control", "Gain control", "Keep the voice at one level",
                           kDefault.gain_control, flags));
  add(kPropTargetLevel, g_param_spec_int("target-level-dbfs", "Target level",
                                         "Level that the gain control aims at, dB below full scale",
                                         0, 31, kDefault.target_level_dbfs, flags));
  add(kPropCompressionGain, g_param_spec_int("compression-gain-db", "Compression gain",
                                             "Most that the gain control adds, dB", 0, 90,
                                             kDefault.compression_gain_db, flags));
  add(kPropHighPass,
      g_param_spec_boolean("high-pass-filter", "High-pass filter",
                           "Take out what is under the voice", kDefault.high_pass_filter, flags));
  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = change_state;
  for (GstStaticPadTemplate* pad_template : {&kSink, &kSrc, &kFarSink, &kFarSrc})
    gst_element_class_add_static_pad_template(element_class, pad_template);
  gst_element_class_set_static_metadata(
      element_class, "Voice DSP", "Filter/Effect/Audio",
      "Noise suppression, gain control and echo cancellation that change without a click",
      "Dragoman");
}
