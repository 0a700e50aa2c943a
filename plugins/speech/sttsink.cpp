// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * sttsink: speech to text.
 *
 * Hears one speaker (audio/x-raw, S16LE, 16 kHz, mono), finds his utterances and commits them
 * clause by clause while he talks. Each clause is posted as an element message and published on the
 * property `channel`, where any number of ttssrc and captionsrc listen.
 *
 * Messages (fields in plugins/common/messages.h): `transcript`, partial and final, unless
 * post-messages is false; `provider-error` when a provider fails; a warning when audio had to be
 * dropped because decoding did not keep up; an error when no provider can work, naming what is
 * missing and its cure. Before EOS is posted all finals are.
 *
 * Readings (plugins/common/readings.h) go upstream to the stationprobe before it: `utterances`,
 * `words_per_minute`, `stt_confidence` where the provider gives one, in live pipelines
 * `stt_latency_ms`; `queue_depth_ms` each second (audio not yet given to a provider);
 * `provider_errors`, `provider_failovers`, and `dropped_buffers` (of 20 ms) when there are any.
 *
 * Threads: rendering only queues the audio; one thread an element finds the speech, a small pool of
 * the process decodes. In a live pipeline rendering never waits; otherwise it waits while more than
 * 30 s of audio are not decoded, so that a file goes through as fast as it can be decoded. Models
 * load in the background, once a process; audio is kept meanwhile.
 *
 * Latency: none in the stream. A clause is committed about half a second after its end.
 *
 *   gst-launch-1.0 -m filesrc location=hello.wav ! wavparse ! audioconvert ! audioresample !
 *     sttsink language=en
 *
 * Since: 0.1
 */
#include "plugins/speech/sttsink.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/common/messages.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"
#include "plugins/speech/channel.h"
#include "plugins/speech/providers/stt/session.h"

GST_DEBUG_CATEGORY_STATIC(stt_sink_debug);
#define GST_CAT_DEFAULT stt_sink_debug

namespace {

using dragoman::Channels;
using dragoman::Clause;
using dragoman::SttFlush;
using dragoman::SttOptions;
using dragoman::SttProvider;
using dragoman::SttResult;
using dragoman::SttSession;

constexpr char kDefaultChannel[] = "";
constexpr char kDefaultLanguage[] = "en";
constexpr char kDefaultProviders[] = "sherpa";
constexpr gboolean kDefaultPostMessages = TRUE;
constexpr gboolean kDefaultPartials = TRUE;
constexpr std::chrono::seconds kMostWaiting{30};  // undecoded audio of a pipeline that is not live
constexpr std::chrono::seconds kLongestFlush{60};
constexpr size_t kSegmentsKept = 8;
constexpr double kBufferMs = 20;  // what counts as one dropped buffer
constexpr GstClockTime kDepthInterval = GST_SECOND;
constexpr GstClockTime kLongestGap = 2 * GST_SECOND;  // of silence made for a GAP event

enum Property {
  kPropChannel = 1,
  kPropLanguage,
  kPropProviders,
  kPropEngines,
  kPropPostMessages,
  kPropPartials,
};

struct Settings {
  std::string channel = kDefaultChannel, language = kDefaultLanguage;
  std::string providers = kDefaultProviders, engines;
  gboolean post_messages = kDefaultPostMessages, partials = kDefaultPartials;
};

class Reporter;

// Lock order: the element's object lock guards `settings`; `segments_mutex` is taken alone.
struct State {
  Settings settings;
  std::mutex segments_mutex;        // guards segments
  std::deque<GstSegment> segments;  // the audio's last ones, oldest first
  std::atomic<guint64> epoch{0};
  GstClockTime next_running_time = GST_CLOCK_TIME_NONE;  // streaming thread
  std::atomic<bool> live{false};
  bool live_known = false;                        // streaming thread
  GstClockTime depth_told = GST_CLOCK_TIME_NONE;  // streaming thread, running time
  std::unique_ptr<Reporter> reporter;
  std::unique_ptr<SttSession> session;  // from PAUSED on
};

}  // namespace

struct _DragomanSttSink {
  GstBaseSink parent;
  State* state;
};

G_DEFINE_FINAL_TYPE(DragomanSttSink, dragoman_stt_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE(sttsink, "sttsink", GST_RANK_NONE,
                                      dragoman_stt_sink_get_type(),
                                      GST_DEBUG_CATEGORY_INIT(stt_sink_debug, "sttsink", 0,
                                                              "speech to text"))

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw, format=(string)S16LE, layout=(string)interleaved, "
                    "rate=(int)16000, channels=(int)1"));

Settings settings_of(DragomanSttSink* self) {
  GST_OBJECT_LOCK(self);
  Settings settings = self->state->settings;
  GST_OBJECT_UNLOCK(self);
  return settings;
}

/// Where a stretch of UTC is in the stream.
struct StreamPlace {
  guint64 timestamp, stream_time, running_time, duration;
};

StreamPlace place_of(DragomanSttSink* self, guint64 start_utc, guint64 end_utc) {
  const guint64 epoch = self->state->epoch;
  const guint64 running_time = start_utc > epoch ? start_utc - epoch : 0;
  guint64 position = GST_CLOCK_TIME_NONE, stream_time = GST_CLOCK_TIME_NONE;
  std::lock_guard lock(self->state->segments_mutex);
  const auto& segments = self->state->segments;
  for (auto segment = segments.rbegin();
       segment != segments.rend() && !GST_CLOCK_TIME_IS_VALID(stream_time); ++segment) {
    position = gst_segment_position_from_running_time(&*segment, GST_FORMAT_TIME, running_time);
    stream_time = gst_segment_to_stream_time(&*segment, GST_FORMAT_TIME, position);
  }
  return {position, stream_time, running_time, end_utc > start_utc ? end_utc - start_utc : 0};
}

double seconds(guint64 ns) {
  return GST_CLOCK_TIME_IS_VALID(ns) ? static_cast<double>(ns) / GST_SECOND : -1.0;
}

double word_count(const std::string& text) {
  std::istringstream words(text);
  return static_cast<double>(std::distance(std::istream_iterator<std::string>(words), {}));
}

/// Turns what the session hears into messages, clauses and readings. On the session's thread.
class Reporter : public SttSession::Listener {
 public:
  Reporter(DragomanSttSink* self, Settings settings)
      : self_(self), settings_(std::move(settings)) {}

  void on_partial(const char* provider, const SttResult& partial) override {
    if (!settings_.partials) return;
    SttResult result = partial;
    result.committed_utc = dragoman::utc_now_ns();
    post_transcript(provider, result, FALSE);
  }

  void on_clause(const char* provider, const SttResult& result) override {
    GST_INFO_OBJECT(self_, "%s: \"%s\"", provider, result.text.c_str());
    post_transcript(provider, result, TRUE);
    publish(result);
    send_readings(result);
  }

  void on_provider_error(const char* provider, const std::string& error,
                         const char* next) override {
    GST_WARNING_OBJECT(self_, "%s: %s; next: %s", provider, error.c_str(), next);
    post(gst_structure_new(dragoman::messages::kProviderError, "provider", G_TYPE_STRING, provider,
                           "kind", G_TYPE_STRING, "stt", "error", G_TYPE_STRING, error.c_str(),
                           "next", G_TYPE_STRING, next, nullptr));
    const bool fails_over = *next && std::string_view(next) != provider;
    send(std::vector<dragoman::Reading>{{"provider_errors", 1},
                                        {"provider_failovers", fails_over ? 1.0 : 0.0}});
  }

  void on_hopeless(const std::string& error) override {
    GST_ELEMENT_ERROR(self_, RESOURCE, NOT_FOUND, ("%s", error.c_str()), (nullptr));
  }

  void on_dropped(std::chrono::milliseconds audio) override {
    GST_ELEMENT_WARNING(self_, STREAM, DECODE,
                        ("%d ms of speech were dropped: no provider of '%s' keeps up",
                         static_cast<int>(audio.count()), settings_.providers.c_str()),
                        (nullptr));
    const double buffers = std::ceil(static_cast<double>(audio.count()) / kBufferMs);
    send(std::vector<dragoman::Reading>{{"dropped_buffers", buffers}});
  }

 private:
  void post(GstStructure* structure) {
    gst_element_post_message(GST_ELEMENT(self_),
                             gst_message_new_element(GST_OBJECT(self_), structure));
  }

  void post_transcript(const char* provider, const SttResult& result, gboolean is_final) {
    if (!settings_.post_messages) return;
    const StreamPlace place = place_of(self_, result.start_utc, result.end_utc);
    GstStructure* message = gst_structure_new(
        dragoman::messages::kTranscript, "channel", G_TYPE_STRING, settings_.channel.c_str(),
        "utterance", G_TYPE_UINT64, result.utterance, "clause", G_TYPE_UINT, result.clause, "text",
        G_TYPE_STRING, result.text.c_str(), "language", G_TYPE_STRING, settings_.language.c_str(),
        "start", G_TYPE_DOUBLE, seconds(place.stream_time), "end", G_TYPE_DOUBLE,
        seconds(place.stream_time) + seconds(place.duration), "is-final", G_TYPE_BOOLEAN, is_final,
        "provider", G_TYPE_STRING, provider, "start-utc", G_TYPE_UINT64, result.start_utc,
        "end-utc", G_TYPE_UINT64, result.end_utc, "committed-utc", G_TYPE_UINT64,
        result.committed_utc, "endpoint-ms", G_TYPE_DOUBLE, result.endpoint_ms, "decode-ms",
        G_TYPE_DOUBLE, result.decode_ms, "timestamp", G_TYPE_UINT64, place.timestamp, "stream-time",
        G_TYPE_UINT64, place.stream_time, "running-time", G_TYPE_UINT64, place.running_time,
        "duration", G_TYPE_UINT64, place.duration, nullptr);
    if (result.confidence) {
      gst_structure_set(message, "confidence", G_TYPE_DOUBLE, *result.confidence, nullptr);
    }
    post(message);
  }

  void publish(const SttResult& result) {
    if (settings_.channel.empty()) return;
    auto clause = std::make_shared<Clause>();
    clause->channel = settings_.channel;
    clause->utterance = result.utterance;
    clause->clause = result.clause;
    clause->text = result.text;
    clause->language = settings_.language;
    clause->start_utc = result.start_utc;
    clause->end_utc = result.end_utc;
    clause->committed_utc = result.committed_utc;
    Channels::instance().publish(clause);
  }

  void send_readings(const SttResult& result) {
    std::vector<dragoman::Reading> readings{{"utterances", 1}};
    if (self_->state->live && result.committed_utc > result.end_utc) {
      readings.push_back(
          {"stt_latency_ms", static_cast<double>(result.committed_utc - result.end_utc) / 1e6});
    }
    if (result.confidence) readings.push_back({"stt_confidence", *result.confidence});
    if (result.end_utc > result.start_utc) {
      const double minutes = static_cast<double>(result.end_utc - result.start_utc) / 60e9;
      readings.push_back({"words_per_minute", word_count(result.text) / minutes});
    }
    send(readings);
  }

  void send(std::span<const dragoman::Reading> readings) {
    gst_pad_push_event(GST_BASE_SINK_PAD(self_),
                       dragoman::new_readings_event(GST_EVENT_CUSTOM_UPSTREAM, readings));
  }

  DragomanSttSink* const self_;
  const Settings settings_;
};

/// The providers named in `list`; empty and an error posted if one is unknown.
std::vector<SttProvider> providers_in(DragomanSttSink* self, const std::string& list) {
  std::vector<SttProvider> providers;
  std::string known;
  for (const SttProvider& provider : dragoman::stt_providers()) {
    known += (known.empty() ? "" : ", ") + std::string(provider.name);
  }
  g_auto(GStrv) names = g_strsplit(list.c_str(), ",", -1);
  for (char** name = names; *name; ++name) {
    g_strstrip(*name);
    const SttProvider* const provider = dragoman::find_stt_provider(*name);
    if (!provider) {
      GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS,
                        ("providers=%s: there is no speech-to-text provider '%s'; known: %s",
                         list.c_str(), *name, known.c_str()),
                        (nullptr));
      return {};
    }
    providers.push_back(*provider);
  }
  if (providers.empty()) {
    GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS,
                      ("providers is empty; set it to one or more of: %s", known.c_str()),
                      (nullptr));
  }
  return providers;
}

// NULL to READY: says at once what could never work.
gboolean stt_sink_start(GstBaseSink* sink) {
  return dragoman::guarded(sink, FALSE, [sink]() -> gboolean {
    auto* const self = DRAGOMAN_STT_SINK(sink);
    const Settings settings = settings_of(self);
    std::string faults;
    const auto providers = providers_in(self, settings.providers);
    if (providers.empty()) return FALSE;
    for (const SttProvider& provider : providers) {
      const auto fault = provider.check({settings.language, settings.engines});
      if (!fault) return TRUE;
      faults += (faults.empty() ? "" : "; ") + *fault;
    }
    GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("%s", faults.c_str()), (nullptr));
    return FALSE;
  });
}

void open_session(DragomanSttSink* self) {
  State* const state = self->state;
  const Settings settings = settings_of(self);
  state->reporter = std::make_unique<Reporter>(self, settings);
  state->session =
      std::make_unique<SttSession>(SttOptions{settings.language, settings.engines},
                                   providers_in(self, settings.providers), *state->reporter);
  state->next_running_time = GST_CLOCK_TIME_NONE;
  state->live_known = false;
}

void close_session(DragomanSttSink* self) {
  self->state->session.reset();
  self->state->reporter.reset();
}

void find_out_if_live(DragomanSttSink* self) {
  State* const state = self->state;
  if (state->live_known) return;
  gboolean live = FALSE;
  GstQuery* query = gst_query_new_latency();
  if (gst_pad_peer_query(GST_BASE_SINK_PAD(self), query)) {
    gst_query_parse_latency(query, &live, nullptr, nullptr);
  }
  gst_query_unref(query);
  state->live = live;
  state->live_known = true;
}

void hear(DragomanSttSink* self, GstClockTime pts, std::vector<int16_t> samples) {
  State* const state = self->state;
  GstBaseSink* const sink = GST_BASE_SINK(self);
  GstClockTime running_time = state->next_running_time;
  if (GST_CLOCK_TIME_IS_VALID(pts)) {
    running_time = gst_segment_to_running_time(&sink->segment, GST_FORMAT_TIME, pts);
  }
  if (!GST_CLOCK_TIME_IS_VALID(running_time)) running_time = 0;
  state->next_running_time = running_time + samples.size() * dragoman::kSttNsPerSample;
  state->epoch = dragoman::pipeline_epoch(GST_ELEMENT(self), running_time);
  state->session->push(std::move(samples), state->epoch + running_time);
  if (GST_CLOCK_TIME_IS_VALID(state->depth_told) && running_time >= state->depth_told &&
      running_time < state->depth_told + kDepthInterval) {
    return;
  }
  state->depth_told = running_time;
  const double waiting_ms = static_cast<double>(state->session->waiting().count());
  gst_pad_push_event(
      GST_BASE_SINK_PAD(self),
      dragoman::new_readings_event(GST_EVENT_CUSTOM_UPSTREAM, {{"queue_depth_ms", waiting_ms}}));
}

GstFlowReturn stt_sink_render(GstBaseSink* sink, GstBuffer* buffer) {
  return dragoman::guarded(sink, GST_FLOW_ERROR, [sink, buffer] {
    auto* const self = DRAGOMAN_STT_SINK(sink);
    find_out_if_live(self);
    GstMapInfo map;
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return GST_FLOW_ERROR;
    std::vector<int16_t> samples(map.size / sizeof(int16_t));
    std::copy_n(reinterpret_cast<const int16_t*>(map.data), samples.size(), samples.begin());
    gst_buffer_unmap(buffer, &map);
    hear(self, GST_BUFFER_PTS(buffer), std::move(samples));
    while (!self->state->live && !self->state->session->wait_for_room(kMostWaiting)) {
      const GstFlowReturn flow = gst_base_sink_wait_preroll(sink);
      if (flow != GST_FLOW_OK) return flow;
    }
    return GST_FLOW_OK;
  });
}

void hear_gap(DragomanSttSink* self, GstEvent* event) {
  GstClockTime timestamp, duration;
  gst_event_parse_gap(event, &timestamp, &duration);
  if (!GST_CLOCK_TIME_IS_VALID(duration)) return;
  duration = std::min(duration, kLongestGap);
  hear(self, timestamp, std::vector<int16_t>(duration / dragoman::kSttNsPerSample));
}

/// Waits until all that was said is posted; false if the stream is being stopped instead. Called
/// with the preroll lock held, as for render(): so no change of state goes unnoticed.
bool wait_until_flushed(DragomanSttSink* self) {
  GstBaseSink* const sink = GST_BASE_SINK(self);
  while (!sink->flushing) {
    const SttFlush flushed = self->state->session->flush(kLongestFlush);
    if (flushed == SttFlush::kDone) return true;
    if (flushed == SttFlush::kTooLate) {
      GST_ELEMENT_WARNING(self, STREAM, DECODE,
                          ("the last of the speech was not decoded in time and is lost"),
                          (nullptr));
      return true;
    }
    if (gst_base_sink_wait_preroll(sink) != GST_FLOW_OK) return false;
  }
  return false;
}

bool finish(DragomanSttSink* self) {
  if (!wait_until_flushed(self)) return false;
  const std::string channel = settings_of(self).channel;
  if (!channel.empty()) Channels::instance().end(channel);
  return true;
}

gboolean stt_sink_event(GstBaseSink* sink, GstEvent* event) {
  const gboolean ready = dragoman::guarded(sink, FALSE, [sink, event]() -> gboolean {
    auto* const self = DRAGOMAN_STT_SINK(sink);
    switch (GST_EVENT_TYPE(event)) {
      case GST_EVENT_SEGMENT: {
        std::lock_guard lock(self->state->segments_mutex);
        auto& segments = self->state->segments;
        if (segments.size() == kSegmentsKept) segments.pop_front();
        gst_event_copy_segment(event, &segments.emplace_back());
        break;
      }
      case GST_EVENT_GAP:
        hear_gap(self, event);
        break;
      case GST_EVENT_EOS:
        return finish(self);  // passed on while stopping, it would wait to be played for ever
      case GST_EVENT_FLUSH_STOP:
        close_session(self);
        open_session(self);
        break;
      default:
        break;
    }
    return TRUE;
  });
  if (!ready) {
    gst_event_unref(event);
    return FALSE;
  }
  return GST_BASE_SINK_CLASS(dragoman_stt_sink_parent_class)->event(sink, event);
}

gboolean stt_sink_unlock(GstBaseSink* sink) {
  State* const state = DRAGOMAN_STT_SINK(sink)->state;
  if (state->session) state->session->interrupt(true);
  return TRUE;
}

gboolean stt_sink_unlock_stop(GstBaseSink* sink) {
  State* const state = DRAGOMAN_STT_SINK(sink)->state;
  if (state->session) state->session->interrupt(false);
  return TRUE;
}

GstStateChangeReturn stt_sink_change_state(GstElement* element, GstStateChange transition) {
  auto* const self = DRAGOMAN_STT_SINK(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    const bool opened = dragoman::guarded(element, false, [self] {
      open_session(self);
      return true;
    });
    if (!opened) return GST_STATE_CHANGE_FAILURE;
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(dragoman_stt_sink_parent_class)->change_state(element, transition);
  const bool failed = result == GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && failed)) {
    close_session(self);
    dragoman::clear_pipeline_epoch(element);
  }
  return result;
}

// Action signal: a program that is no element speaks on the channel.
void stt_sink_say(DragomanSttSink* self, const char* language, const char* text) {
  dragoman::guarded(self, false, [&] {
    const std::string channel = settings_of(self).channel;
    if (channel.empty() || !text || !*text) return false;
    auto clause = std::make_shared<Clause>();
    clause->channel = channel;
    clause->text = text;
    clause->language = language ? language : "";
    clause->start_utc = clause->end_utc = clause->committed_utc = dragoman::utc_now_ns();
    clause->utterance = clause->start_utc / 1000;
    Channels::instance().publish(clause);
    return true;
  });
}

void stt_sink_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
  auto* const self = DRAGOMAN_STT_SINK(object);
  const auto text = [value] {
    const char* const given = g_value_get_string(value);
    return std::string(given ? given : "");
  };
  GST_OBJECT_LOCK(self);
  Settings& settings = self->state->settings;
  switch (id) {
    case kPropChannel:
      settings.channel = text();
      break;
    case kPropLanguage:
      settings.language = text();
      break;
    case kPropProviders:
      settings.providers = text();
      break;
    case kPropEngines:
      settings.engines = text();
      break;
    case kPropPostMessages:
      settings.post_messages = g_value_get_boolean(value);
      break;
    case kPropPartials:
      settings.partials = g_value_get_boolean(value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  GST_OBJECT_UNLOCK(self);
}

void stt_sink_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  const Settings settings = settings_of(DRAGOMAN_STT_SINK(object));
  switch (id) {
    case kPropChannel:
      g_value_set_string(value, settings.channel.c_str());
      break;
    case kPropLanguage:
      g_value_set_string(value, settings.language.c_str());
      break;
    case kPropProviders:
      g_value_set_string(value, settings.providers.c_str());
      break;
    case kPropEngines:
      g_value_set_string(value, settings.engines.c_str());
      break;
    case kPropPostMessages:
      g_value_set_boolean(value, settings.post_messages);
      break;
    case kPropPartials:
      g_value_set_boolean(value, settings.partials);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

void install_properties(GObjectClass* object_class) {
  constexpr auto kFlags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  const auto install_text = [&](Property id, const char* name, const char* nick, const char* blurb,
                                const char* initial) {
    g_object_class_install_property(object_class, id,
                                    g_param_spec_string(name, nick, blurb, initial, kFlags));
  };
  install_text(kPropChannel, "channel", "Channel",
               "Name of the channel to publish clauses on; empty: none", kDefaultChannel);
  install_text(kPropLanguage, "language", "Language",
               "What the speaker speaks (BCP 47 primary tag)", kDefaultLanguage);
  install_text(kPropProviders, "providers", "Providers",
               "Speech-to-text providers, best first, separated by commas", kDefaultProviders);
  install_text(kPropEngines, "engines", "Engines",
               "Folder that data/fetch-engines filled; empty: DRAGOMAN_ENGINES or the default one",
               "");
  g_object_class_install_property(
      object_class, kPropPostMessages,
      g_param_spec_boolean("post-messages", "Post messages", "Post transcripts on the bus",
                           kDefaultPostMessages, kFlags));
  g_object_class_install_property(
      object_class, kPropPartials,
      g_param_spec_boolean("partials", "Partials", "Post what is heard before it is committed too",
                           kDefaultPartials, kFlags));
}

void stt_sink_finalize(GObject* object) {
  delete DRAGOMAN_STT_SINK(object)->state;
  G_OBJECT_CLASS(dragoman_stt_sink_parent_class)->finalize(object);
}

}  // namespace

static void dragoman_stt_sink_init(DragomanSttSink* self) {
  self->state = new State;
  gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
  gst_base_sink_set_async_enabled(GST_BASE_SINK(self), FALSE);
}

static void dragoman_stt_sink_class_init(DragomanSttSinkClass* klass) {
  auto* const object_class = G_OBJECT_CLASS(klass);
  auto* const element_class = GST_ELEMENT_CLASS(klass);
  auto* const sink_class = GST_BASE_SINK_CLASS(klass);
  object_class->set_property = stt_sink_set_property;
  object_class->get_property = stt_sink_get_property;
  object_class->finalize = stt_sink_finalize;
  install_properties(object_class);
  g_signal_new_class_handler("say", G_TYPE_FROM_CLASS(klass),
                             static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
                             G_CALLBACK(stt_sink_say), nullptr, nullptr, nullptr, G_TYPE_NONE, 2,
                             G_TYPE_STRING, G_TYPE_STRING);
  element_class->change_state = stt_sink_change_state;
  sink_class->start = stt_sink_start;
  sink_class->render = stt_sink_render;
  sink_class->event = stt_sink_event;
  sink_class->unlock = stt_sink_unlock;
  sink_class->unlock_stop = stt_sink_unlock_stop;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_set_static_metadata(
      element_class, "Speech to text", "Sink/Audio",
      "Turns speech into text, clause by clause, and publishes it on a channel", "Dragoman");
}
