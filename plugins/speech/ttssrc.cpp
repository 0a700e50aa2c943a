// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-ttssrc
 * @title: ttssrc
 * @short_description: speaks what is said on a channel, in its own language
 *
 * A live source of speech: listens on #GstTtsSrc:channel, has every clause translated into
 * #GstTtsSrc:language and speaks it; silence (buffers with the GAP flag) in between. With
 * #GstTtsSrc:text it speaks that text once and ends.
 *
 * It begins to speak a clause while the synthesiser is still at work on it. When clauses come
 * faster than they can be said it speaks faster, up to #GstTtsSrc:max-speedup, and returns to
 * normal when it has caught up. A clause is not dropped for being late; one that no provider can
 * speak is given up after half a minute, counted in #GstTtsSrc:stats, and said so in a warning.
 *
 * Caps: audio/x-raw S16LE, mono, 16 kHz, in buffers of 20 ms (the last of a text may be shorter).
 *
 * Messages (fields and units: plugins/common/messages.h): `translation` when a clause is
 * translated; `spoken` when its first sample leaves (as soon as its length is known, if that is
 * later); `provider-error` when a provider failed, in which case the clause is tried again, said by
 * the next provider, or kept. A warning when more than #GstTtsSrc:max-queue waits to be said.
 *
 * Readings for the stationprobe downstream, ahead of the buffer with a clause's first sample:
 * translation_latency_ms, tts_first_audio_ms, end_to_end_latency_ms.
 *
 * Latency: a buffer is made at its running time, not ahead of it, so that a clause leaves within
 * 20 ms of being made; #GstTtsSrc:latency is what downstream has to bring it to the sink in time.
 * `first-audio-utc` is when a sample leaves this element: a sink with sync=true plays it later by
 * the pipeline's latency.
 *
 * Threads: streaming thread; one for synthesis, which alone waits for providers; messages are
 * posted from both and from the translation service's.
 *
 * |[
 * gst-launch-1.0 ttssrc text="Hola, ¿cómo está usted?" language=es ! autoaudiosink
 * gst-launch-1.0 ttssrc text="Good morning." is-live=false ! wavenc ! filesink location=say.wav
 * gst-launch-1.0 -m ttssrc channel=a language=es source-language=en ! autoaudiosink  audiotestsrc
 * is-live=true wave=silence ! audio/x-raw,rate=16000 ! sttsink channel=a language=en
 * ]|
 *
 * Since: 0.1
 */
#include "plugins/speech/ttssrc.h"

#include <gst/audio/audio.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <optional>

#include "plugins/common/messages.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"
#include "plugins/speech/ttssrc_feed.h"
#include "plugins/speech/ttssrc_settings.h"
#include "plugins/speech/ttssrc_speaker.h"

GST_DEBUG_CATEGORY_STATIC(gst_tts_src_debug);
#define GST_CAT_DEFAULT gst_tts_src_debug

using namespace dragoman;

namespace {

constexpr size_t kBufferSamples = SpeechShaper::kRate / 50;
constexpr size_t kBufferBytes = kBufferSamples * sizeof(int16_t);
// Further behind the clock than this the source skips ahead (the machine slept) instead of sending
// all that was missed at once.
constexpr GstClockTime kMaxLate = GST_SECOND;
constexpr std::array<int16_t, kBufferSamples> kSilence{};

// A clause whose first sample has left, and whose length is not known yet.
struct Leaving {
  std::shared_ptr<const SpokenClause> clause;
  GstClockTime timestamp;
  uint64_t first_audio_utc;
  double delay_ms;
};

// What the speaker has to tell, as messages of the element.
class Reporter : public SpeakerListener {
 public:
  Reporter(GstElement* element, bool is_text) : element_(element), is_text_(is_text) {}
  void on_tts_failure(const TtsFailure& failure, bool kept) override;
  void on_backlog(double seconds) override;

 private:
  GstElement* const element_;  // owns the speaker that reports
  const bool is_text_;
};

struct State {
  std::mutex
      settings_mutex;  // guards settings and the pointer to the speaker; never with the other
  TtsSettings settings;
  std::shared_ptr<Speaker> speaker;

  std::mutex wait_mutex;  // guards the two below
  GstClockID waiting = nullptr;
  bool flushing = false;

  std::optional<Reporter> reporter;
  std::unique_ptr<TranslatedFeed> feed;

  // The streaming thread's, between start and stop.
  TtsSettings running;  // a copy, made at start
  GstClockTime next = GST_CLOCK_TIME_NONE;
  bool discontinuity = false;
  std::deque<Leaving> leaving;

  std::atomic<GstClockTime> sink_latency = 0;  // what the pipeline has configured
};

}  // namespace

struct _GstTtsSrc {
  GstPushSrc parent;
  State* state;
};

G_DEFINE_FINAL_TYPE(GstTtsSrc, gst_tts_src, GST_TYPE_PUSH_SRC)
GST_ELEMENT_REGISTER_DEFINE(ttssrc, "ttssrc", GST_RANK_NONE, GST_TYPE_TTS_SRC)

namespace {

GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("audio/x-raw, format=S16LE, rate=16000, channels=1, layout=interleaved"));

void Reporter::on_tts_failure(const TtsFailure& failure, bool kept) {
  const bool last = failure.next.empty();
  if (last && is_text_) {
    GST_ELEMENT_ERROR(element_, RESOURCE, FAILED, ("%s", failure.error.c_str()), (nullptr));
    return;
  }
  std::string error = failure.error;
  if (last) error += kept ? "; the clause is kept and tried again" : "; the clause stays unspoken";
  GST_WARNING_OBJECT(element_, "%s: %s", failure.provider.c_str(), error.c_str());
  post_provider_error(element_, "tts", failure.provider, error, failure.next);
}

void Reporter::on_backlog(double seconds) {
  GST_ELEMENT_WARNING(element_, RESOURCE, BUSY,
                      ("%.0f s of speech wait to be said: more is said than can be spoken, even at "
                       "the highest rate",
                       seconds),
                      ("nothing is dropped; see max-speedup and max-queue"));
}

// --- start ---

// The providers named in tts-providers that can work here. None, and an error posted, if there is
// none or a name is unknown.
std::vector<std::unique_ptr<TtsProvider>> make_providers(GstTtsSrc* self,
                                                         const TtsSettings& settings) {
  std::vector<std::unique_ptr<TtsProvider>> usable;
  std::vector<TtsFailure> unusable;
  for (const std::string& name : split_names(settings.tts_providers)) {
    auto provider = make_tts_provider(name);
    if (!provider) {
      GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                        ("tts-providers: there is no provider \"%s\"; there are: %s", name.c_str(),
                         tts_provider_names().c_str()),
                        (nullptr));
      return {};
    }
    if (const auto reason = provider->unusable()) {
      unusable.push_back({name, *reason, ""});
    } else {
      usable.push_back(std::move(provider));
    }
  }
  if (usable.empty()) {
    const std::string why =
        unusable.empty() ? "no provider is named" : unusable[0].provider + ": " + unusable[0].error;
    GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("cannot speak: %s", why.c_str()), (nullptr));
    return {};
  }
  for (const TtsFailure& failure : unusable) {
    post_provider_error(GST_ELEMENT(self), "tts", failure.provider, failure.error,
                        usable[0]->name());
  }
  return usable;
}

bool check(GstTtsSrc* self, const TtsSettings& settings) {
  const char* wrong = nullptr;
  if (settings.text.empty() && settings.channel.empty()) {
    wrong = "nothing to say: set channel or text";
  } else if (settings.text.empty() && !settings.is_live) {
    wrong = "a channel is live: is-live=false needs text";
  } else if (!settings.memory.empty() && access(settings.memory.c_str(), R_OK) != 0) {
    wrong = "memory: cannot read the file";
  }
  if (wrong) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", wrong), ("%s", settings.memory.c_str()));
  }
  return !wrong;
}

// A text of the property's, in the form in which clauses come.
Translation as_translation(const TtsSettings& settings) {
  Translation translation;
  translation.source = std::make_shared<Clause>();
  translation.text = settings.text;
  translation.language = settings.language;
  return translation;
}

// The feed goes before the speaker does, and calls nobody afterwards.
void start_feed(GstTtsSrc* self, Speaker* speaker) {
  const TtsSettings& settings = self->state->running;
  self->state->feed = std::make_unique<TranslatedFeed>(
      GST_ELEMENT(self),
      TranslatedFeed::Settings{settings.channel, settings.language, settings.source_language,
                               split_names(settings.translate_providers), settings.memory,
                               settings.post_messages},
      [speaker](const Translation& translation) { speaker->say(translation); },
      [speaker, end = settings.end_with_channel] {
        if (end) speaker->end();
      });
}

gboolean start(GstTtsSrc* self) {
  State& state = *self->state;
  {
    std::lock_guard lock(state.settings_mutex);
    state.running = state.settings;
  }
  const TtsSettings& settings = state.running;
  if (!check(self, settings)) return FALSE;
  auto providers = make_providers(self, settings);
  if (providers.empty()) return FALSE;
  const bool is_text = !settings.text.empty();
  state.reporter.emplace(GST_ELEMENT(self), is_text);
  Speaker::Settings how{settings.language, settings.voice, settings.rate_factor(),
                        settings.max_speedup, static_cast<double>(settings.max_queue)};
  if (is_text) how.tries = 1;
  auto speaker =
      std::make_shared<Speaker>(how, TtsProviderList(std::move(providers)), *state.reporter);
  if (is_text) {
    speaker->say(as_translation(settings));
    speaker->end();
  } else {
    start_feed(self, speaker.get());
  }
  std::lock_guard lock(state.settings_mutex);
  state.speaker = std::move(speaker);
  return TRUE;
}

gboolean gst_tts_src_start(GstBaseSrc* source) {
  auto* self = GST_TTS_SRC(source);
  return guarded(self, FALSE, [&] { return start(self); });
}

// --- data ---

GstClockTime running_time_now(GstElement* element) {
  GstClock* clock = gst_element_get_clock(element);
  if (!clock) return 0;
  const GstClockTime now = gst_clock_get_time(clock), base = gst_element_get_base_time(element);
  gst_object_unref(clock);
  return now > base ? now - base : 0;
}

// Waits for a running time; `late`: how long ago it was.
GstFlowReturn wait_until(GstTtsSrc* self, GstClockTime running_time, GstClockTime& late) {
  State& state = *self->state;
  GstObjectPtr<GstClock> clock(gst_element_get_clock(GST_ELEMENT(self)));
  const GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  if (!clock) {
    GST_ELEMENT_ERROR(self, CORE, CLOCK, ("a live source needs a clock"), (nullptr));
    return GST_FLOW_ERROR;
  }
  const GstClockID id = gst_clock_new_single_shot_id(clock.get(), base + running_time);
  {
    std::lock_guard lock(state.wait_mutex);
    if (state.flushing) {
      gst_clock_id_unref(id);
      return GST_FLOW_FLUSHING;
    }
    state.waiting = id;
  }
  GstClockTimeDiff jitter = 0;
  const GstClockReturn result = gst_clock_id_wait(id, &jitter);
  {
    std::lock_guard lock(state.wait_mutex);
    state.waiting = nullptr;
  }
  gst_clock_id_unref(id);
  late = jitter > 0 ? static_cast<GstClockTime>(jitter) : 0;
  return result == GST_CLOCK_UNSCHEDULED ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}

// Until it is time for the next buffer, or until there is one.
GstFlowReturn wait_for_turn(GstTtsSrc* self) {
  State& state = *self->state;
  if (!state.running.is_live) {
    if (!GST_CLOCK_TIME_IS_VALID(state.next)) state.next = 0;
    return state.speaker->wait(kBufferSamples) ? GST_FLOW_OK : GST_FLOW_FLUSHING;
  }
  if (!GST_CLOCK_TIME_IS_VALID(state.next)) state.next = running_time_now(GST_ELEMENT(self));
  GstClockTime late = 0;
  const GstFlowReturn result = wait_until(self, state.next, late);
  if (result == GST_FLOW_OK && late > kMaxLate + state.sink_latency) {
    GST_WARNING_OBJECT(self, "%" GST_TIME_FORMAT " behind the clock: skipping ahead",
                       GST_TIME_ARGS(late));
    state.next += late;
    state.discontinuity = true;
  }
  return result;
}

// The first sample of a clause leaves with the buffer at hand, `offset` samples into it.
void note_start(GstTtsSrc* self, const Speaker::Start& start) {
  State& state = *self->state;
  const Translation& translation = start.clause->translation;
  const Clause& source = *translation.source;
  if (source.channel.empty()) return;
  const GstClockTime timestamp =
      state.next + gst_util_uint64_scale(start.offset, GST_SECOND, SpeechShaper::kRate);
  const uint64_t due = pipeline_epoch(GST_ELEMENT(self), state.next) + timestamp;
  const uint64_t first_audio_utc = std::max(due, utc_now_ns());
  const uint64_t said_utc = source.end_utc ? source.end_utc : source.committed_utc;
  const double delay_ms =
      (static_cast<double>(first_audio_utc) - static_cast<double>(said_utc)) / 1e6;
  // Not through gst_element_send_event(): that takes the state lock, which a stop holds while it
  // waits for this thread.
  gst_pad_push_event(GST_BASE_SRC_PAD(self),
                     new_readings_event(GST_EVENT_CUSTOM_DOWNSTREAM,
                                        {{"translation_latency_ms", translation.translation_ms},
                                         {"tts_first_audio_ms", start.clause->first_audio_ms},
                                         {"end_to_end_latency_ms", delay_ms}}));
  state.leaving.push_back({start.clause, timestamp, first_audio_utc, delay_ms});
}

void post_spoken(GstTtsSrc* self, const Leaving& leaving) {
  const SpokenClause& clause = *leaving.clause;
  StructurePtr structure = translation_structure(messages::kSpoken, clause.translation);
  const auto duration = static_cast<GstClockTime>(clause.audio_ms * GST_MSECOND);
  gst_structure_set(
      structure.get(), "timestamp", G_TYPE_UINT64, leaving.timestamp, "stream-time", G_TYPE_UINT64,
      leaving.timestamp, "running-time", G_TYPE_UINT64, leaving.timestamp, "duration",
      G_TYPE_UINT64, duration, "tts-provider", G_TYPE_STRING, clause.provider.c_str(),
      "first-audio-utc", G_TYPE_UINT64, leaving.first_audio_utc, "tts-first-audio-ms",
      G_TYPE_DOUBLE, clause.first_audio_ms, "delay-ms", G_TYPE_DOUBLE, leaving.delay_ms, "rate",
      G_TYPE_DOUBLE, clause.rate, "audio-ms", G_TYPE_DOUBLE, clause.audio_ms, nullptr);
  gst_element_post_message(GST_ELEMENT(self),
                           gst_message_new_element(GST_OBJECT(self), structure.release()));
}

void post_what_is_complete(GstTtsSrc* self) {
  State& state = *self->state;
  while (!state.leaving.empty() &&
         state.leaving.front().clause->complete.load(std::memory_order_acquire)) {
    if (state.running.post_messages) post_spoken(self, state.leaving.front());
    state.leaving.pop_front();
  }
}

GstBuffer* silent_buffer() {
  GstBuffer* buffer =
      gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<int16_t*>(kSilence.data()),
                                  kBufferBytes, 0, kBufferBytes, nullptr, nullptr);
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
  return buffer;
}

GstBuffer* next_buffer(State& state, std::span<const int16_t> samples, bool silent) {
  GstBuffer* buffer =
      silent ? silent_buffer() : gst_buffer_new_memdup(samples.data(), samples.size_bytes());
  GST_BUFFER_PTS(buffer) = state.next;
  GST_BUFFER_DURATION(buffer) =
      gst_util_uint64_scale(samples.size(), GST_SECOND, SpeechShaper::kRate);
  state.next += GST_BUFFER_DURATION(buffer);
  if (state.discontinuity) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  state.discontinuity = false;
  return buffer;
}

GstFlowReturn create(GstTtsSrc* self, GstBuffer** buffer) {
  State& state = *self->state;
  const GstFlowReturn turn = wait_for_turn(self);
  if (turn != GST_FLOW_OK) return turn;
  std::array<int16_t, kBufferSamples> samples{};
  const Speaker::Taken taken = state.speaker->take(samples);
  for (const Speaker::Start& start : taken.starts) note_start(self, start);
  post_what_is_complete(self);
  if (taken.end) return GST_FLOW_EOS;
  const size_t length = state.running.is_live ? kBufferSamples : taken.samples;
  *buffer = next_buffer(state, std::span(samples).first(length), taken.samples == 0);
  return GST_FLOW_OK;
}

GstFlowReturn gst_tts_src_create(GstPushSrc* source, GstBuffer** buffer) {
  auto* self = GST_TTS_SRC(source);
  return guarded(self, GST_FLOW_ERROR, [&] { return create(self, buffer); });
}

// --- events, queries ---

gboolean gst_tts_src_event(GstBaseSrc* source, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) {
    GstClockTime latency = 0;
    gst_event_parse_latency(event, &latency);
    GST_TTS_SRC(source)->state->sink_latency = latency;
  }
  return GST_BASE_SRC_CLASS(gst_tts_src_parent_class)->event(source, event);
}

gboolean gst_tts_src_query(GstBaseSrc* source, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) {
    return GST_BASE_SRC_CLASS(gst_tts_src_parent_class)->query(source, query);
  }
  State& state = *GST_TTS_SRC(source)->state;
  std::lock_guard lock(state.settings_mutex);
  const bool live = state.settings.is_live;
  gst_query_set_latency(query, live, live ? state.settings.latency * GST_MSECOND : 0,
                        GST_CLOCK_TIME_NONE);
  return TRUE;
}

void set_flushing(State& state, bool flushing) {
  {
    std::lock_guard lock(state.wait_mutex);
    state.flushing = flushing;
    if (flushing && state.waiting) gst_clock_id_unschedule(state.waiting);
  }
  std::shared_ptr<Speaker> speaker;
  {
    std::lock_guard lock(state.settings_mutex);
    speaker = state.speaker;
  }
  if (speaker) speaker->interrupt(flushing);
}

gboolean gst_tts_src_unlock(GstBaseSrc* source) {
  set_flushing(*GST_TTS_SRC(source)->state, true);
  return TRUE;
}

gboolean gst_tts_src_unlock_stop(GstBaseSrc* source) {
  set_flushing(*GST_TTS_SRC(source)->state, false);
  return TRUE;
}

// --- stop ---

gboolean gst_tts_src_stop(GstBaseSrc* source) {
  State& state = *GST_TTS_SRC(source)->state;
  state.feed.reset();
  std::shared_ptr<Speaker> speaker;
  {
    std::lock_guard lock(state.settings_mutex);
    speaker = std::move(state.speaker);
  }
  speaker.reset();
  state.reporter.reset();
  // Clauses that were cut off have been heard in part: they get their message too.
  for (const Leaving& leaving : state.leaving) {
    if (state.running.post_messages) post_spoken(GST_TTS_SRC(source), leaving);
  }
  state.leaving.clear();
  state.next = GST_CLOCK_TIME_NONE;
  state.discontinuity = false;
  state.sink_latency = 0;
  clear_pipeline_epoch(GST_ELEMENT(source));
  return TRUE;
}

// --- properties ---

void gst_tts_src_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
  State& state = *GST_TTS_SRC(object)->state;
  std::lock_guard lock(state.settings_mutex);
  if (!set_tts_property(state.settings, id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
  gst_base_src_set_live(GST_BASE_SRC(object), state.settings.is_live);
  if (!state.speaker) return;
  state.speaker->set_voice(state.settings.voice);
  state.speaker->set_rate(state.settings.rate_factor(), state.settings.max_speedup);
}

GstStructure* stats_structure(const Speaker* speaker) {
  const Speaker::Stats stats = speaker ? speaker->stats() : Speaker::Stats{};
  return gst_structure_new(
      "application/x-ttssrc-stats", "clauses", G_TYPE_UINT64, stats.said, "spoken", G_TYPE_UINT64,
      stats.spoken, "given-up", G_TYPE_UINT64, stats.given_up, "over-queue", G_TYPE_UINT64,
      stats.over_queue, "underruns", G_TYPE_UINT64, stats.underruns, "backlog-ms", G_TYPE_DOUBLE,
      stats.backlog * 1000, "backlog-max-ms", G_TYPE_DOUBLE, stats.backlog_max * 1000, nullptr);
}

void gst_tts_src_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  State& state = *GST_TTS_SRC(object)->state;
  std::lock_guard lock(state.settings_mutex);
  if (id == kTtsPropStats) {
    g_value_take_boxed(value, stats_structure(state.speaker.get()));
  } else if (!get_tts_property(state.settings, id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

void gst_tts_src_finalize(GObject* object) {
  delete GST_TTS_SRC(object)->state;
  G_OBJECT_CLASS(gst_tts_src_parent_class)->finalize(object);
}

}  // namespace

static void gst_tts_src_init(GstTtsSrc* self) {
  self->state = new State;
  gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
  gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
}

static void gst_tts_src_class_init(GstTtsSrcClass* klass) {
  GST_DEBUG_CATEGORY_INIT(gst_tts_src_debug, "ttssrc", 0, "speech of a channel");
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_tts_src_set_property;
  object_class->get_property = gst_tts_src_get_property;
  object_class->finalize = gst_tts_src_finalize;
  install_tts_properties(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Speech of a channel", "Source/Audio",
                                        "Speaks what is said on a channel, in its own language",
                                        "Dragoman");
  auto* base_class = GST_BASE_SRC_CLASS(klass);
  base_class->start = gst_tts_src_start;
  base_class->stop = gst_tts_src_stop;
  base_class->event = gst_tts_src_event;
  base_class->query = gst_tts_src_query;
  base_class->unlock = gst_tts_src_unlock;
  base_class->unlock_stop = gst_tts_src_unlock_stop;
  GST_PUSH_SRC_CLASS(klass)->create = gst_tts_src_create;
}
