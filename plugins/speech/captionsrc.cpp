// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-captionsrc
 * @title: captionsrc
 * @short_description: what is said on a channel, in its own language, as captions
 *
 * A live source of captions: listens on #GstCaptionSrc:channel, has every clause translated into
 * #GstCaptionSrc:language and pushes it as text with a time and a duration, for webvttenc or
 * srtenc. A caption stays as long as it takes to read (#GstCaptionSrc:reading-speed, within
 * #GstCaptionSrc:min-duration and #GstCaptionSrc:max-duration) and never overlaps the next; while
 * others wait it goes sooner. Long clauses become several captions. What was pushed is never
 * changed. GAP events twice a second while there is nothing to show, so that muxers advance.
 *
 * With #GstCaptionSrc:speech-time captions carry the time at which their clause was said, not at
 * which it became known, for recordings and for pipelines that run faster than real time. The
 * speech and the captions must then be in one pipeline.
 *
 * Caps: text/x-raw, format=utf8.
 *
 * Messages (fields and units: plugins/common/messages.h): `translation` when a clause is
 * translated; `provider-error` when a provider of translation failed.
 *
 * Latency: none of its own. Threads: its streaming thread; messages come from the translation
 * service's.
 *
 * |[
 * gst-launch-1.0 -e captionsrc channel=a language=es ! webvttenc ! filesink location=es.vtt
 * autoaudiosrc ! audioconvert ! audioresample ! sttsink channel=a language=en gst-launch-1.0
 * captionsrc channel=a language=es speech-time=true end-with-channel=true ! srtenc ! filesink
 * location=es.srt  filesrc location=talk.wav ! decodebin ! audioconvert ! audioresample ! sttsink
 * channel=a language=en
 * ]|
 *
 * Since: 0.1
 */
#include "plugins/speech/captionsrc.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "plugins/common/pipeline_clock.h"
#include "plugins/speech/captionsrc_schedule.h"
#include "plugins/speech/ttssrc_feed.h"

GST_DEBUG_CATEGORY_STATIC(gst_caption_src_debug);
#define GST_CAT_DEFAULT gst_caption_src_debug

using namespace dragoman;

namespace {

constexpr GstClockTime kGapInterval = 500 * GST_MSECOND;

enum {
  PROP_0,
  PROP_CHANNEL,
  PROP_LANGUAGE,
  PROP_SOURCE_LANGUAGE,
  PROP_TRANSLATE_PROVIDERS,
  PROP_MEMORY,
  PROP_READING_SPEED,
  PROP_MIN_DURATION,
  PROP_MAX_DURATION,
  PROP_SPEECH_TIME,
  PROP_POST_MESSAGES,
  PROP_END_WITH_CHANNEL,
};

struct Settings {
  static constexpr char kLanguage[] = "en";
  static constexpr char kTranslateProviders[] = "memory,apertium";
  static constexpr double kReadingSpeed = 15;
  static constexpr guint kMinDuration = 1000, kMaxDuration = 6000;

  std::string channel, language = kLanguage, source_language;
  std::string translate_providers = kTranslateProviders, memory;
  double reading_speed = kReadingSpeed;                            // characters per second
  guint min_duration = kMinDuration, max_duration = kMaxDuration;  // ms
  bool speech_time = false, post_messages = true, end_with_channel = false;

  CaptionSchedule::Rule rule() const {
    return {reading_speed, GstClockTime{min_duration} * GST_MSECOND,
            GstClockTime{max_duration} * GST_MSECOND};
  }
};

// What the streaming thread does next.
struct Step {
  enum Kind { kCaption, kGap, kEnd, kFlush } kind;
  Caption caption{};  // of a gap: its time and duration
};

struct State {
  std::mutex settings_mutex;  // guards the next two; never held with the other
  Settings settings;
  std::shared_ptr<TranslatedFeed> feed;

  std::mutex mutex;  // guards the five below; not held while pushing or posting
  std::condition_variable changed;
  std::optional<CaptionSchedule> schedule;
  bool playing = false, flushing = true, ended = false;

  Settings running;                         // a copy, made at start
  std::atomic<bool> eos_requested = false;  // by the application
  bool started = false;  // the streaming thread's: the stream's first events are pushed
};

}  // namespace

struct _GstCaptionSrc {
  GstElement parent;
  GstPad* pad;
  State* state;
};

G_DEFINE_FINAL_TYPE(GstCaptionSrc, gst_caption_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE(captionsrc, "captionsrc", GST_RANK_NONE, GST_TYPE_CAPTION_SRC)

namespace {

GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("text/x-raw, format=utf8"));

GstClockTime running_time(GstCaptionSrc* self) {
  GstObjectPtr<GstClock> clock(gst_element_get_clock(GST_ELEMENT(self)));
  if (!clock) return 0;
  const GstClockTime now = gst_clock_get_time(clock.get());
  const GstClockTime base = gst_element_get_base_time(GST_ELEMENT(self));
  return now > base ? now - base : 0;
}

// --- start and stop ---

void add_caption(GstCaptionSrc* self, const Translation& translation) {
  State& state = *self->state;
  uint64_t time = CaptionSchedule::kNow;
  if (state.running.speech_time) {
    const uint64_t epoch = pipeline_epoch(GST_ELEMENT(self), running_time(self));
    time = translation.source->start_utc - std::min(epoch, translation.source->start_utc);
  }
  {
    std::lock_guard lock(state.mutex);
    state.schedule->add(translation.text, time);
  }
  state.changed.notify_all();
}

void end_captions(State& state) {
  {
    std::lock_guard lock(state.mutex);
    state.ended = true;
  }
  state.changed.notify_all();
}

bool start(GstCaptionSrc* self) {
  State& state = *self->state;
  {
    std::lock_guard lock(state.settings_mutex);
    state.running = state.settings;
  }
  const Settings& settings = state.running;
  if (settings.channel.empty()) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("nothing to show: set channel"), (nullptr));
    return false;
  }
  if (!settings.memory.empty() && access(settings.memory.c_str(), R_OK) != 0) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("memory: cannot read the file"),
                      ("%s", settings.memory.c_str()));
    return false;
  }
  {
    std::lock_guard lock(state.mutex);
    state.schedule.emplace(settings.rule());
    state.ended = false;
  }
  state.started = false;
  state.eos_requested = false;
  auto feed = std::make_shared<TranslatedFeed>(
      GST_ELEMENT(self),
      TranslatedFeed::Settings{settings.channel, settings.language, settings.source_language,
                               split_names(settings.translate_providers), settings.memory,
                               settings.post_messages},
      [self](const Translation& translation) { add_caption(self, translation); },
      [self] {
        State& state = *self->state;
        if (state.running.end_with_channel || state.eos_requested) end_captions(state);
      });
  std::lock_guard lock(state.settings_mutex);
  state.feed = std::move(feed);
  return true;
}

std::shared_ptr<TranslatedFeed> current_feed(State& state) {
  std::lock_guard lock(state.settings_mutex);
  return state.feed;
}

void stop(GstCaptionSrc* self) {
  std::shared_ptr<TranslatedFeed> feed;
  {
    std::lock_guard lock(self->state->settings_mutex);
    feed.swap(self->state->feed);
  }
  feed.reset();  // waits for a call in progress: not with the lock held
  clear_pipeline_epoch(GST_ELEMENT(self));
}

// --- data ---

// Waits until there is something to push.
Step next_step(GstCaptionSrc* self) {
  State& state = *self->state;
  std::unique_lock lock(state.mutex);
  for (;;) {
    state.changed.wait(lock, [&] { return state.flushing || state.playing; });
    if (state.flushing) return {Step::kFlush};
    CaptionSchedule& schedule = *state.schedule;
    const GstClockTime now = running_time(self);
    // At the end what still waits is pushed without waiting for its turn.
    const GstClockTime then = state.ended ? std::max(now, schedule.position()) : now;
    if (auto caption = schedule.take(then)) return {Step::kCaption, std::move(*caption)};
    if (state.ended) return {Step::kEnd};
    const GstClockTime position = schedule.position();
    if (!state.running.speech_time && now >= position + kGapInterval) {
      schedule.skip_to(now);
      return {Step::kGap, {"", position, now - position}};
    }
    const GstClockTime due = schedule.empty() ? std::max(now, position) + kGapInterval : position;
    state.changed.wait_for(lock, std::chrono::nanoseconds(due - std::min(now, due)));
  }
}

void push_first_events(GstCaptionSrc* self) {
  g_autofree char* id = gst_pad_create_stream_id(self->pad, GST_ELEMENT(self), nullptr);
  GstEvent* stream_start = gst_event_new_stream_start(id);
  gst_event_set_group_id(stream_start, gst_util_group_id_next());
  gst_pad_push_event(self->pad, stream_start);
  CapsPtr caps(gst_static_pad_template_get_caps(&src_template));
  gst_pad_push_event(self->pad, gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(self->pad, gst_event_new_segment(&segment));
}

GstFlowReturn push(GstCaptionSrc* self, const Step& step) {
  const Caption& caption = step.caption;
  switch (step.kind) {
    case Step::kCaption: {
      GstBuffer* buffer = gst_buffer_new_memdup(caption.text.data(), caption.text.size());
      GST_BUFFER_PTS(buffer) = caption.time;
      GST_BUFFER_DURATION(buffer) = caption.duration;
      return gst_pad_push(self->pad, buffer);
    }
    case Step::kGap:
      gst_pad_push_event(self->pad, gst_event_new_gap(caption.time, caption.duration));
      return GST_FLOW_OK;
    case Step::kEnd:
      return GST_FLOW_EOS;
    case Step::kFlush:
      break;
  }
  return GST_FLOW_FLUSHING;
}

void work(GstCaptionSrc* self) {
  State& state = *self->state;
  if (!state.started) push_first_events(self);
  state.started = true;
  const GstFlowReturn result = push(self, next_step(self));
  if (result == GST_FLOW_OK) return;
  GST_DEBUG_OBJECT(self, "pausing: %s", gst_flow_get_name(result));
  gst_pad_pause_task(self->pad);
  if (result != GST_FLOW_EOS && result != GST_FLOW_FLUSHING) GST_ELEMENT_FLOW_ERROR(self, result);
  if (result != GST_FLOW_FLUSHING) gst_pad_push_event(self->pad, gst_event_new_eos());
}

void gst_caption_src_loop(gpointer data) {
  guarded(data, FALSE, [&] {
    work(GST_CAPTION_SRC(data));
    return TRUE;
  });
}

gboolean gst_caption_src_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                                       gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  State& state = *GST_CAPTION_SRC(parent)->state;
  {
    std::lock_guard lock(state.mutex);
    state.flushing = !active;
  }
  state.changed.notify_all();
  if (!active) return gst_pad_stop_task(pad);
  return gst_pad_start_task(pad, gst_caption_src_loop, parent, nullptr);
}

// --- events, queries ---

gboolean gst_caption_src_pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_LATENCY) return gst_pad_event_default(pad, parent, event);
  gst_event_unref(event);
  return TRUE;
}

gboolean gst_caption_src_pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return gst_pad_query_default(pad, parent, query);
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

gboolean gst_caption_src_send_event(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS) {
    return GST_ELEMENT_CLASS(gst_caption_src_parent_class)->send_event(element, event);
  }
  gst_event_unref(event);
  State& state = *GST_CAPTION_SRC(element)->state;
  const auto feed = current_feed(state);
  if (!feed) return FALSE;
  state.eos_requested = true;
  feed->finish();
  return TRUE;
}

// --- states ---

void set_playing(GstCaptionSrc* self, bool playing) {
  {
    std::lock_guard lock(self->state->mutex);
    self->state->playing = playing;
  }
  self->state->changed.notify_all();
}

GstStateChangeReturn gst_caption_src_change_state(GstElement* element, GstStateChange transition) {
  auto* self = GST_CAPTION_SRC(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
      !guarded(self, false, [&] { return start(self); })) {
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) set_playing(self, false);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_caption_src_parent_class)->change_state(element, transition);
  const bool failed = result == GST_STATE_CHANGE_FAILURE;
  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      if (failed) stop(self);
      return failed ? result : GST_STATE_CHANGE_NO_PREROLL;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      if (!failed) set_playing(self, true);
      return result;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      return failed ? result : GST_STATE_CHANGE_NO_PREROLL;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      stop(self);
      return result;
    default:
      return result;
  }
}

// --- properties ---

std::string* string_property(Settings& settings, guint id) {
  switch (id) {
    case PROP_CHANNEL:
      return &settings.channel;
    case PROP_LANGUAGE:
      return &settings.language;
    case PROP_SOURCE_LANGUAGE:
      return &settings.source_language;
    case PROP_TRANSLATE_PROVIDERS:
      return &settings.translate_providers;
    case PROP_MEMORY:
      return &settings.memory;
    default:
      return nullptr;
  }
}

bool* flag_property(Settings& settings, guint id) {
  switch (id) {
    case PROP_SPEECH_TIME:
      return &settings.speech_time;
    case PROP_POST_MESSAGES:
      return &settings.post_messages;
    case PROP_END_WITH_CHANNEL:
      return &settings.end_with_channel;
    default:
      return nullptr;
  }
}

void gst_caption_src_set_property(GObject* object, guint id, const GValue* value,
                                  GParamSpec* pspec) {
  State& state = *GST_CAPTION_SRC(object)->state;
  std::lock_guard lock(state.settings_mutex);
  Settings& settings = state.settings;
  if (std::string* text = string_property(settings, id)) {
    const char* given = g_value_get_string(value);
    *text = given ? given : "";
  } else if (bool* flag = flag_property(settings, id)) {
    *flag = g_value_get_boolean(value);
  } else if (id == PROP_READING_SPEED) {
    settings.reading_speed = g_value_get_double(value);
  } else if (id == PROP_MIN_DURATION) {
    settings.min_duration = g_value_get_uint(value);
  } else if (id == PROP_MAX_DURATION) {
    settings.max_duration = g_value_get_uint(value);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

void gst_caption_src_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  State& state = *GST_CAPTION_SRC(object)->state;
  std::lock_guard lock(state.settings_mutex);
  Settings& settings = state.settings;
  if (const std::string* text = string_property(settings, id)) {
    g_value_set_string(value, text->empty() ? nullptr : text->c_str());
  } else if (const bool* flag = flag_property(settings, id)) {
    g_value_set_boolean(value, *flag);
  } else if (id == PROP_READING_SPEED) {
    g_value_set_double(value, settings.reading_speed);
  } else if (id == PROP_MIN_DURATION) {
    g_value_set_uint(value, settings.min_duration);
  } else if (id == PROP_MAX_DURATION) {
    g_value_set_uint(value, settings.max_duration);
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

void gst_caption_src_finalize(GObject* object) {
  delete GST_CAPTION_SRC(object)->state;
  G_OBJECT_CLASS(gst_caption_src_parent_class)->finalize(object);
}

constexpr auto kFlags =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

void install_properties(GObjectClass* klass) {
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  install(PROP_CHANNEL, g_param_spec_string("channel", "Channel",
                                            "Name of the channel to listen on", nullptr, kFlags));
  install(PROP_LANGUAGE, g_param_spec_string("language", "Language",
                                             "Language of the captions (BCP 47: \"en\", \"es\")",
                                             Settings::kLanguage, kFlags));
  install(PROP_SOURCE_LANGUAGE,
          g_param_spec_string("source-language", "Source language",
                              "Language that is said on the channel, if known: its translator is "
                              "ready before the first clause",
                              nullptr, kFlags));
  install(PROP_TRANSLATE_PROVIDERS,
          g_param_spec_string("translate-providers", "Translation providers",
                              "Providers of translation, best first, separated by commas",
                              Settings::kTranslateProviders, kFlags));
  install(PROP_MEMORY, g_param_spec_string("memory", "Translation memory",
                                           "TMX file of the user's, asked before all providers",
                                           nullptr, kFlags));
  install(PROP_READING_SPEED,
          g_param_spec_double("reading-speed", "Reading speed",
                              "How fast captions are read, in characters per second", 1, 100,
                              Settings::kReadingSpeed, kFlags));
  install(PROP_MIN_DURATION, g_param_spec_uint("min-duration", "Minimum duration",
                                               "Shortest time a caption stays, in ms", 1, 60000,
                                               Settings::kMinDuration, kFlags));
  install(PROP_MAX_DURATION, g_param_spec_uint("max-duration", "Maximum duration",
                                               "Longest time a caption stays, in ms", 1, 60000,
                                               Settings::kMaxDuration, kFlags));
  install(PROP_SPEECH_TIME,
          g_param_spec_boolean("speech-time", "Speech time",
                               "Captions carry the time of the speech, not that at which its text "
                               "is known",
                               FALSE, kFlags));
  install(PROP_POST_MESSAGES, g_param_spec_boolean("post-messages", "Post messages",
                                                   "Post `translation` messages", TRUE, kFlags));
  install(PROP_END_WITH_CHANNEL,
          g_param_spec_boolean("end-with-channel", "End with channel",
                               "Go to EOS when the channel's publisher has ended and all is shown",
                               FALSE, kFlags));
}

}  // namespace

static void gst_caption_src_init(GstCaptionSrc* self) {
  self->state = new State;
  self->pad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_activatemode_function(self->pad, gst_caption_src_activate_mode);
  gst_pad_set_event_function(self->pad, gst_caption_src_pad_event);
  gst_pad_set_query_function(self->pad, gst_caption_src_pad_query);
  gst_pad_use_fixed_caps(self->pad);
  gst_element_add_pad(GST_ELEMENT(self), self->pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

static void gst_caption_src_class_init(GstCaptionSrcClass* klass) {
  GST_DEBUG_CATEGORY_INIT(gst_caption_src_debug, "captionsrc", 0, "captions of a channel");
  auto* object_class = G_OBJECT_CLASS(klass);
  object_class->set_property = gst_caption_src_set_property;
  object_class->get_property = gst_caption_src_get_property;
  object_class->finalize = gst_caption_src_finalize;
  install_properties(object_class);

  auto* element_class = GST_ELEMENT_CLASS(klass);
  element_class->change_state = gst_caption_src_change_state;
  element_class->send_event = gst_caption_src_send_event;
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(element_class, "Captions of a channel", "Source/Subtitle",
                                        "Shows what is said on a channel, in its own language",
                                        "Dragoman");
}
