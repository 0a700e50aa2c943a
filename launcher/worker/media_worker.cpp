// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/worker/media_worker.h"

#include <chrono>
#include <utility>

#include "launcher/pipeline/pipeline_builder.h"
#include "launcher/pipeline/player.h"
#include "launcher/util/values.h"
#include "launcher/worker/gain_ramp.h"
#include "launcher/worker/interface.h"
#include "launcher/worker/set_up_again.h"
#include "plugins/common/messages.h"

namespace dragoman {
namespace {

/// How long a pipeline may take from EOS sent to EOS received.
constexpr std::chrono::milliseconds kStopPatience(5000);

GVariant* warning_fields(const std::string& element, const std::string& text) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add(&builder, "{sv}", "element", g_variant_new_string(element.c_str()));
  g_variant_builder_add(&builder, "{sv}", "text", g_variant_new_string(text.c_str()));
  return g_variant_builder_end(&builder);
}

/// The UDP port that the pipeline's ariudpsrc has bound, or 0.
int bound_port(GstElement* pipeline) {
  GstIterator* sources =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline), "ariudpsrc");
  GValue item = G_VALUE_INIT;
  int port = 0;
  if (gst_iterator_next(sources, &item) == GST_ITERATOR_OK) {
    auto* source = static_cast<GObject*>(g_value_get_object(&item));
    g_object_get(source, "port", &port, nullptr);
    g_value_unset(&item);
  }
  gst_iterator_free(sources);
  return port;
}

struct VariantUnref {
  void operator()(GVariant* variant) const { g_variant_unref(variant); }
};
using VariantPtr = std::unique_ptr<GVariant, VariantUnref>;

/// a{ss} as a map; takes it.
std::map<std::string, std::string> take_dictionary(GVariant* dictionary) {
  std::map<std::string, std::string> texts;
  GVariantIter iterator;
  g_variant_iter_init(&iterator, dictionary);
  const char *name = nullptr, *value = nullptr;
  while (g_variant_iter_loop(&iterator, "{&s&s}", &name, &value)) texts[name] = value;
  g_variant_unref(dictionary);
  return texts;
}

/// Sets a property of an element, checked. Returns the value before, or null with `error`.
VariantPtr change_property(GstElement* pipeline, const char* element_name, const char* property,
                           GVariant* wanted, std::string& error) {
  const GstObjectPtr<GstElement> element(gst_bin_get_by_name(GST_BIN(pipeline), element_name));
  if (!element) {
    error = std::string("no element is named '") + element_name + "'";
    return nullptr;
  }
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), property);
  if (!spec || !(spec->flags & G_PARAM_WRITABLE)) {
    error =
        std::string("'") + element_name + "' has no property '" + property + "' that can be set";
    return nullptr;
  }
  GValue value = G_VALUE_INIT;
  if (!value_from_variant(wanted, spec, &value, error)) return nullptr;
  GVariant* before = nullptr;
  if (spec->flags & G_PARAM_READABLE) {
    GValue old = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(element.get()), property, &old);
    before = variant_from_value(&old);
    g_value_unset(&old);
  }
  if (is_gain(element.get(), property))
    ramp_gain(element.get(), g_value_get_double(&value));
  else
    g_object_set_property(G_OBJECT(element.get()), property, &value);
  g_value_unset(&value);
  if (reads_properties_at_set_up(element.get())) set_up_again(element.get());
  return VariantPtr(g_variant_ref_sink(before ? before : g_variant_new_string("")));
}

/// Turns a knob that `file` declares. As change_property(); a floating `wanted` is taken.
VariantPtr turn_knob(const PipelineFile& file, GstElement* pipeline, const std::string& name,
                     GVariant* wanted, std::string& error) {
  const VariantPtr held(g_variant_ref_sink(wanted));
  const PipelineKnob* knob = file.knob(name);
  if (knob)
    return change_property(pipeline, knob->element.c_str(), knob->property.c_str(), wanted, error);
  error = file.path() + " has no knob '" + name + "'";
  return nullptr;
}

}  // namespace

/// One pipeline.
class MediaWorker::Item : public PlayerListener {
 public:
  Item(MediaWorker& worker, std::string id, PipelineFile file, GstObjectPtr<GstElement> pipeline,
       GDBusMethodInvocation* starting)
      : worker_(worker),
        id_(std::move(id)),
        file_(std::move(file)),
        starting_(starting),
        player_(std::move(pipeline), *this) {}

  Player& player() { return player_; }
  const PipelineFile& file() const { return file_; }

 private:
  void on_playing() override {
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    if (const int port = bound_port(player_.pipeline())) {
      g_variant_builder_add(&builder, "{sv}", "port", g_variant_new_int32(port));
    }
    g_dbus_method_invocation_return_value(std::exchange(starting_, nullptr),
                                          g_variant_new("(a{sv})", &builder));
  }

  void on_element_message(GstMessage* message) override {
    const GstStructure* fields = gst_message_get_structure(message);
    if (!fields) return;
    worker_.emit("Message", g_variant_new("(ss@a{sv})", id_.c_str(), gst_structure_get_name(fields),
                                          variant_from_structure(fields)));
  }

  void on_warning(const std::string& element, const std::string& text) override {
    worker_.emit("Message", g_variant_new("(ss@a{sv})", id_.c_str(), messages::kWarning,
                                          warning_fields(element, text)));
  }

  void on_ended(const std::string& reason, const std::string& detail) override {
    if (starting_) {
      const std::string text =
          detail.empty() ? "the pipeline " + reason + " before it played" : detail;
      g_dbus_method_invocation_return_dbus_error(std::exchange(starting_, nullptr), kPipelineError,
                                                 text.c_str());
    } else {
      worker_.emit("Ended", g_variant_new("(sss)", id_.c_str(), reason.c_str(), detail.c_str()));
    }
    worker_.remove(id_);  // `this` is gone
  }

  MediaWorker& worker_;
  std::string id_;
  PipelineFile file_;
  GDBusMethodInvocation* starting_;  ///< to be answered once it plays
  Player player_;
};

MediaWorker::MediaWorker(GDBusConnection* connection) : connection_(connection) {
  static const GDBusInterfaceVTable table = {
      [](GDBusConnection*, const char*, const char*, const char*, const char* method,
         GVariant* arguments, GDBusMethodInvocation* invocation,
         gpointer self) { static_cast<MediaWorker*>(self)->call(method, arguments, invocation); },
      nullptr,
      nullptr,
      {}};
  registration_ = g_dbus_connection_register_object(connection_, kWorkerPath, worker_interface(),
                                                    &table, this, nullptr, nullptr);
}

MediaWorker::~MediaWorker() { g_dbus_connection_unregister_object(connection_, registration_); }

void MediaWorker::shut_down(std::function<void()> done) {
  shutting_down_ = true;
  shut_down_done_ = std::move(done);
  if (items_.empty()) return shut_down_done_();
  for (auto& [id, item] : items_) item->player().stop(kStopPatience);
}

void MediaWorker::call(const std::string& method, GVariant* arguments,
                       GDBusMethodInvocation* invocation) {
  static const std::map<std::string, Method> methods = {{"Start", &MediaWorker::start},
                                                        {"Stop", &MediaWorker::stop},
                                                        {"SetProperty", &MediaWorker::set_property},
                                                        {"SetKnob", &MediaWorker::set_knob},
                                                        {"Say", &MediaWorker::say},
                                                        {"List", &MediaWorker::list}};
  std::string error;
  GVariant* result = (this->*methods.at(method))(arguments, invocation, error);
  if (!error.empty()) {
    g_dbus_method_invocation_return_dbus_error(invocation, kPipelineError, error.c_str());
  } else if (result) {
    g_dbus_method_invocation_return_value(invocation, result);
  }  // else it is answered later
}

GVariant* MediaWorker::start(GVariant* arguments, GDBusMethodInvocation* invocation,
                             std::string& error) {
  const char *id = nullptr, *path = nullptr;
  GVariant *parameters = nullptr, *knobs = nullptr;
  g_variant_get(arguments, "(&s&s@a{ss}@a{ss})", &id, &path, &parameters, &knobs);
  const ParameterValues values = take_dictionary(parameters);
  const std::map<std::string, std::string> stands = take_dictionary(knobs);
  if (shutting_down_) return error = "the worker is shutting down", nullptr;
  if (items_.count(id)) return error = std::string("'") + id + "' is running already", nullptr;
  Problems problems;
  auto file = load_pipeline(path, problems);
  auto pipeline = file ? build_pipeline(*file, values, problems) : nullptr;
  if (!pipeline) return error = text_of(problems), nullptr;
  for (const auto& [knob, value] : stands) {
    if (!turn_knob(*file, pipeline.get(), knob, g_variant_new_string(value.c_str()), error))
      return nullptr;
  }
  auto item = std::make_unique<Item>(*this, id, std::move(*file), std::move(pipeline), invocation);
  Player& player = item->player();
  items_[id] = std::move(item);
  player.play();
  return nullptr;
}

GVariant* MediaWorker::stop(GVariant* arguments, GDBusMethodInvocation*, std::string& error) {
  const char* id = nullptr;
  g_variant_get(arguments, "(&s)", &id);
  Item* item = find(id, error);
  if (!item) return nullptr;
  item->player().stop(kStopPatience);
  return g_variant_new("()");
}

GVariant* MediaWorker::set_property(GVariant* arguments, GDBusMethodInvocation*,
                                    std::string& error) {
  const char *id = nullptr, *element = nullptr, *property = nullptr;
  GVariant* value = nullptr;
  g_variant_get(arguments, "(&s&s&sv)", &id, &element, &property, &value);
  if (Item* item = find(id, error))
    change_property(item->player().pipeline(), element, property, value, error);
  g_variant_unref(value);
  return error.empty() ? g_variant_new("()") : nullptr;
}

GVariant* MediaWorker::set_knob(GVariant* arguments, GDBusMethodInvocation*, std::string& error) {
  const char *id = nullptr, *name = nullptr;
  GVariant* value = nullptr;
  g_variant_get(arguments, "(&s&sv)", &id, &name, &value);
  VariantPtr before;
  if (Item* item = find(id, error))
    before = turn_knob(item->file(), item->player().pipeline(), name, value, error);
  g_variant_unref(value);
  return before ? g_variant_new("(v)", before.get()) : nullptr;
}

GVariant* MediaWorker::say(GVariant* arguments, GDBusMethodInvocation*, std::string& error) {
  const char *channel = nullptr, *language = nullptr, *text = nullptr;
  g_variant_get(arguments, "(&s&s&s)", &channel, &language, &text);
  const GstObjectPtr<GstElement> speaker(gst_element_factory_make("sttsink", nullptr));
  if (!speaker || !g_signal_lookup("say", G_OBJECT_TYPE(speaker.get()))) {
    return error = "the speech plugin is missing: nobody can speak", nullptr;
  }
  gst_object_ref_sink(speaker.get());
  g_object_set(speaker.get(), "channel", channel, nullptr);
  g_signal_emit_by_name(speaker.get(), "say", language, text);
  return g_variant_new("()");
}

GVariant* MediaWorker::list(GVariant*, GDBusMethodInvocation*, std::string&) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("as"));
  for (const auto& [id, item] : items_) g_variant_builder_add(&builder, "s", id.c_str());
  return g_variant_new("(as)", &builder);
}

MediaWorker::Item* MediaWorker::find(const std::string& id, std::string& error) {
  const auto found = items_.find(id);
  if (found == items_.end()) error = "no pipeline '" + id + "' is running";
  return found == items_.end() ? nullptr : found->second.get();
}

void MediaWorker::emit(const char* signal, GVariant* arguments) {
  g_dbus_connection_emit_signal(connection_, nullptr, kWorkerPath, kWorkerInterface, signal,
                                arguments, nullptr);
}

void MediaWorker::remove(const std::string& id) {
  const auto node = items_.extract(id);  // destroyed last: `id` may be its own
  if (shutting_down_ && items_.empty() && shut_down_done_) shut_down_done_();
}

}  // namespace dragoman
