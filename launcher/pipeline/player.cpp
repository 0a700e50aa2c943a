// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/player.h"

#include <functional>
#include <optional>
#include <utility>

#include "launcher/pipeline/sink_watch.h"

namespace dragoman {
namespace {

/// How long a pipeline may take to NULL before it is given up (and leaked: a hung element cannot be
/// freed).
constexpr guint kNullPatienceMs = 4'000;

/// Runs `body` in the default main context, after the bus messages that wait there.
void in_main_context(std::function<void()> body) {
  GSource* source = g_idle_source_new();
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        (*static_cast<std::function<void()>*>(data))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(body)),
      [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
  g_source_attach(source, nullptr);
  g_source_unref(source);
}

/// Runs `body` on a thread of GStreamer's.
void on_helper_thread(GstElement* element, std::function<void(GstElement*)> body) {
  gst_element_call_async(
      element,
      [](GstElement* target, gpointer data) {
        (*static_cast<std::function<void(GstElement*)>*>(data))(target);
      },
      new std::function<void(GstElement*)>(std::move(body)),
      [](gpointer data) { delete static_cast<std::function<void(GstElement*)>*>(data); });
}

/// What helps against an error of GStreamer's elements; ours name the cure themselves.
const char* cure_of(GstObject* source, const GError* error) {
  GstElementFactory* factory =
      GST_IS_ELEMENT(source) ? gst_element_get_factory(GST_ELEMENT(source)) : nullptr;
  const char* plugin =
      factory ? gst_plugin_feature_get_plugin_name(GST_PLUGIN_FEATURE(factory)) : nullptr;
  if (plugin && g_str_has_prefix(plugin, "dragoman")) return "";
  if (g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND)) {
    return "; check the path";
  }
  if (g_error_matches(error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND) ||
      g_error_matches(error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN)) {
    return "; apt-get install gstreamer1.0-plugins-ugly gstreamer1.0-libav";
  }
  return "";
}

/// The part of a debug text that is for people: after the place in the source.
std::string detail_of(const char* debug) {
  const std::string text = debug ? debug : "";
  const size_t newline = text.find('\n');
  return newline == std::string::npos ? std::string() : text.substr(newline + 1);
}

}  // namespace

std::string text_of_error(GstMessage* message) {
  GError* raw_error = nullptr;
  char* raw_debug = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error(message, &raw_error, &raw_debug);
  } else {
    gst_message_parse_warning(message, &raw_error, &raw_debug);
  }
  const ErrorPtr error(raw_error);
  const CharPtr debug(raw_debug);
  std::string text = error->message;
  const std::string detail = detail_of(raw_debug);
  if (!detail.empty() && text.find(detail) == std::string::npos) text += " (" + detail + ")";
  return std::string(GST_MESSAGE_SRC_NAME(message)) + ": " + text +
         cure_of(GST_MESSAGE_SRC(message), error.get());
}

struct Player::Impl : std::enable_shared_from_this<Player::Impl> {
  enum class Phase { kNew, kStarting, kPlaying, kEnding, kEnded };

  GstObjectPtr<GstElement> pipeline;
  PlayerListener* listener = nullptr;  ///< null once the player is gone
  GstObjectPtr<GstBus> bus;
  std::optional<SinkWatch> sinks;
  Phase phase = Phase::kNew;
  bool stop_asked = false;
  std::string reason, detail;
  guint bus_watch = 0, patience = 0;

  void play();
  void stop(std::chrono::milliseconds wait);
  void handle(GstMessage* message);
  void handle_state(GstMessage* message);
  void handle_eos();
  void begin_end(const std::string& why, const std::string& about);
  void finish_end();
  void clear_patience() {
    if (patience) g_source_remove(patience);
    patience = 0;
  }
};

void Player::Impl::play() {
  phase = Phase::kStarting;
  sinks.emplace(pipeline.get());
  g_object_set(pipeline.get(), "auto-flush-bus", FALSE, nullptr);
  bus.reset(gst_element_get_bus(pipeline.get()));
  bus_watch = gst_bus_add_watch(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer self) -> gboolean {
        const auto keep = static_cast<Impl*>(self)->shared_from_this();
        keep->handle(message);
        return G_SOURCE_CONTINUE;
      },
      this);
  on_helper_thread(pipeline.get(), [self = shared_from_this()](GstElement* element) mutable {
    const bool failed =
        gst_element_set_state(element, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE;
    in_main_context([self = std::move(self), failed] {
      if (failed) self->begin_end("error", "the pipeline cannot start");
    });
  });
}

void Player::Impl::stop(std::chrono::milliseconds wait) {
  if (phase >= Phase::kEnding || stop_asked) return;
  stop_asked = true;
  if (phase != Phase::kPlaying) return begin_end("stopped", "");
  on_helper_thread(pipeline.get(), [](GstElement* element) {
    gst_element_send_event(element, gst_event_new_eos());
  });
  patience = g_timeout_add(
      static_cast<guint>(wait.count()),
      [](gpointer self) -> gboolean {
        static_cast<Impl*>(self)->patience = 0;
        static_cast<Impl*>(self)->begin_end("stopped", "");
        return G_SOURCE_REMOVE;
      },
      this);
}

void Player::Impl::handle(GstMessage* message) {
  if (!listener) return;
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ELEMENT:
      listener->on_element_message(message);
      break;
    case GST_MESSAGE_WARNING:
      listener->on_warning(GST_MESSAGE_SRC_NAME(message), text_of_error(message));
      break;
    case GST_MESSAGE_ERROR:
      begin_end("error", text_of_error(message));
      break;
    case GST_MESSAGE_EOS:
      handle_eos();
      break;
    case GST_MESSAGE_LATENCY:
      on_helper_thread(pipeline.get(),
                       [](GstElement* element) { gst_bin_recalculate_latency(GST_BIN(element)); });
      break;
    case GST_MESSAGE_CLOCK_LOST:
      on_helper_thread(pipeline.get(), [](GstElement* element) {
        gst_element_set_state(element, GST_STATE_PAUSED);
        gst_element_set_state(element, GST_STATE_PLAYING);
      });
      break;
    case GST_MESSAGE_STATE_CHANGED:
      handle_state(message);
      break;
    default:
      break;
  }
}

void Player::Impl::handle_eos() {
  if (phase >= Phase::kEnding) return;
  if (stop_asked) return begin_end("stopped", "");
  const std::string file = sinks->unheard_file();
  if (file.empty()) return begin_end("eos", "");
  begin_end("error", "there is no audio in '" + file +
                         "': a header without samples, or samples that its decoder does not find; "
                         "'soxi' tells what it should have");
}

void Player::Impl::handle_state(GstMessage* message) {
  if (GST_MESSAGE_SRC(message) != GST_OBJECT(pipeline.get()) || phase != Phase::kStarting) return;
  GstState now = GST_STATE_NULL;
  gst_message_parse_state_changed(message, nullptr, &now, nullptr);
  if (now != GST_STATE_PLAYING) return;
  phase = Phase::kPlaying;
  listener->on_playing();
}

void Player::Impl::begin_end(const std::string& why, const std::string& about) {
  if (phase >= Phase::kEnding) return;
  phase = Phase::kEnding;
  reason = why;
  detail = about;
  clear_patience();
  on_helper_thread(pipeline.get(), [self = shared_from_this()](GstElement* element) mutable {
    gst_element_set_state(element, GST_STATE_NULL);
    in_main_context([self = std::move(self)] { self->finish_end(); });
  });
  patience = g_timeout_add(
      kNullPatienceMs,
      [](gpointer self) -> gboolean {
        auto* impl = static_cast<Impl*>(self);
        impl->patience = 0;
        if (impl->detail.empty()) impl->detail = "an element does not stop; it was left behind";
        impl->shared_from_this()->finish_end();
        return G_SOURCE_REMOVE;
      },
      this);
}

void Player::Impl::finish_end() {
  if (phase == Phase::kEnded) return;
  clear_patience();
  while (GstMessage* message = gst_bus_pop(bus.get())) {  // what came with the last state changes
    handle(message);
    gst_message_unref(message);
  }
  phase = Phase::kEnded;
  if (bus_watch) g_source_remove(bus_watch);
  bus_watch = 0;
  if (PlayerListener* told = std::exchange(listener, nullptr)) told->on_ended(reason, detail);
}

Player::Player(GstObjectPtr<GstElement> pipeline, PlayerListener& listener)
    : impl_(std::make_shared<Impl>()) {
  impl_->pipeline = std::move(pipeline);
  impl_->listener = &listener;
}

Player::~Player() {
  impl_->listener = nullptr;
  impl_->clear_patience();
  if (impl_->bus_watch) g_source_remove(std::exchange(impl_->bus_watch, 0));
  if (impl_->phase != Impl::Phase::kEnded)
    gst_element_set_state(impl_->pipeline.get(), GST_STATE_NULL);
  impl_->phase = Impl::Phase::kEnded;
}

void Player::play() { impl_->play(); }
void Player::stop(std::chrono::milliseconds patience) { impl_->stop(patience); }
GstElement* Player::pipeline() const { return impl_->pipeline.get(); }

}  // namespace dragoman
