// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/pipeline_builder.h"

#include <algorithm>

#include "launcher/pipeline/element_packages.h"
#include "launcher/pipeline/launch_text.h"
#include "launcher/util/paths.h"
#include "launcher/util/values.h"

namespace dragoman {
namespace {

using TypeClassPtr = std::unique_ptr<void, Deleter<g_type_class_unref>>;
using FactoryPtr = GstObjectPtr<GstElementFactory>;

std::vector<std::string> property_names(GObjectClass* klass) {
  guint size = 0;
  GParamSpec** specs = g_object_class_list_properties(klass, &size);
  std::vector<std::string> names;
  for (guint i = 0; i < size; ++i) {
    if (specs[i]->flags & G_PARAM_WRITABLE) names.emplace_back(specs[i]->name);
  }
  g_free(specs);
  return names;
}

std::string cure_for_property(const std::string& property, const std::string& element,
                              GObjectClass* klass) {
  const std::string guess = did_you_mean(property, property_names(klass));
  return guess.empty() ? "'gst-inspect-1.0 " + element + "' lists them" : guess;
}

/// Property types whose values gst_value_deserialize() can judge alone.
bool can_judge(GType type) {
  return type == G_TYPE_BOOLEAN || type == G_TYPE_INT || type == G_TYPE_UINT ||
         type == G_TYPE_INT64 || type == G_TYPE_UINT64 || type == G_TYPE_FLOAT ||
         type == G_TYPE_DOUBLE || g_type_is_a(type, G_TYPE_ENUM);
}

/// The class of the elements that `factory` makes, its plugin loaded.
TypeClassPtr class_of(GstElementFactory* factory) {
  const GstObjectPtr<GstPluginFeature> loaded(gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory)));
  if (!loaded) return nullptr;
  const GType type = gst_element_factory_get_element_type(GST_ELEMENT_FACTORY(loaded.get()));
  return type ? TypeClassPtr(g_type_class_ref(type)) : nullptr;
}

/// Looks at the body word by word, as gst_parse_launch() cannot say on which line it stumbled.
class BodyCheck {
 public:
  BodyCheck(const PipelineFile& file, const std::string& body, Problems& problems)
      : file_(file), body_(body), problems_(problems) {}

  void run() {
    for (const LaunchWord& word : launch_words(body_)) {
      if (word.kind == LaunchWord::Kind::kElement) {
        check_element(word);
      } else {
        check_property(word);
      }
    }
  }

 private:
  void problem(const LaunchWord& word, std::string what, std::string cure) {
    problems_.push_back({file_.path(), line_at(body_, word.offset, file_.launch_line()),
                         std::move(what), std::move(cure)});
  }

  void check_element(const LaunchWord& word) {
    class_.reset();
    if (word.element == "bin" || word.element == "pipeline") return;
    const FactoryPtr factory(gst_element_factory_find(word.element.c_str()));
    if (factory) class_ = class_of(factory.get());
    if (!class_) {
      problem(word, "no element '" + word.element + "'", cure_for_missing_element(word.element));
    }
  }

  void check_property(const LaunchWord& word) {
    if (!class_ || word.element.empty() || word.property.find(':') != std::string::npos) return;
    auto* klass = static_cast<GObjectClass*>(class_.get());
    GParamSpec* spec = g_object_class_find_property(klass, word.property.c_str());
    if (!spec) {
      if (g_type_is_a(G_TYPE_FROM_CLASS(klass), GST_TYPE_CHILD_PROXY)) return;
      return problem(word, "no property '" + word.property + "' in element '" + word.element + "'",
                     cure_for_property(word.property, word.element, klass));
    }
    if (!(spec->flags & G_PARAM_WRITABLE)) {
      return problem(word,
                     "property '" + word.property + "' of '" + word.element + "' is read-only",
                     "remove it");
    }
    if (!can_judge(spec->value_type)) return;
    GValue value = G_VALUE_INIT;
    std::string error;
    if (value_from_text(unescape_value(word.value), spec, &value, error)) {
      g_value_unset(&value);
    } else {
      problem(word, "in '" + word.element + "', " + error, "correct the value");
    }
  }

  const PipelineFile& file_;
  const std::string& body_;
  Problems& problems_;
  TypeClassPtr class_;
};

/// The first line of `body` with a word that `message` has in quotes, or the first line.
int line_of_error(const PipelineFile& file, const std::string& body, const std::string& message) {
  size_t at = 0;
  while ((at = message.find('"', at)) != std::string::npos) {
    const size_t end = message.find('"', at + 1);
    if (end == std::string::npos) break;
    std::string word = message.substr(at + 1, end - at - 1);
    while (!word.empty() && g_ascii_isdigit(word.back())) word.pop_back();
    const size_t found = word.empty() ? std::string::npos : body.find(word);
    if (found != std::string::npos) return line_at(body, found, file.launch_line());
    at = end + 1;
  }
  return line_at(body, std::min(body.find_first_not_of(" \n"), body.size()), file.launch_line());
}

std::string cure_for_parse(GError* error) {
  switch (error->code) {
    case GST_PARSE_ERROR_LINK:
      return "put a converter between them (audioconvert, audioresample), or caps that both take";
    case GST_PARSE_ERROR_COULD_NOT_SET_PROPERTY:
      return "correct the value";
    default:
      return "the body is gst-launch-1.0's syntax: elements joined by '!', property=value";
  }
}

GstObjectPtr<GstElement> parse_body(const PipelineFile& file, const std::string& body,
                                    Problems& problems) {
  GError* raw_error = nullptr;
  GstElement* parsed = gst_parse_launch_full(
      one_line(body).c_str(), nullptr, GstParseFlags(GST_PARSE_FLAG_FATAL_ERRORS), &raw_error);
  const ErrorPtr error(raw_error);
  if (error || !parsed) {
    const std::string what = error ? error->message : "gst_parse_launch() gave nothing";
    problems.push_back({file.path(), line_of_error(file, body, what), what,
                        error ? cure_for_parse(error.get()) : ""});
    if (parsed) gst_object_unref(gst_object_ref_sink(parsed));
    return nullptr;
  }
  gst_object_ref_sink(parsed);
  if (GST_IS_PIPELINE(parsed)) return GstObjectPtr<GstElement>(parsed);
  GstElement* pipeline = gst_pipeline_new(nullptr);
  gst_object_ref_sink(pipeline);
  gst_bin_add(GST_BIN(pipeline), parsed);
  gst_object_unref(parsed);
  return GstObjectPtr<GstElement>(pipeline);
}

void check_knob(const PipelineFile& file, const PipelineKnob& knob, GstElement* pipeline,
                Problems& problems) {
  const GstObjectPtr<GstElement> element(
      gst_bin_get_by_name(GST_BIN(pipeline), knob.element.c_str()));
  if (!element) {
    problems.push_back({file.path(), knob.line,
                        "knob '" + knob.name + "': no element is named '" + knob.element + "'",
                        "give one name=" + knob.element + " in [launch]"});
    return;
  }
  auto* klass = G_OBJECT_GET_CLASS(element.get());
  GParamSpec* spec = g_object_class_find_property(klass, knob.property.c_str());
  if (!spec || !(spec->flags & G_PARAM_WRITABLE)) {
    GstElementFactory* factory = gst_element_get_factory(element.get());
    problems.push_back(
        {file.path(), knob.line,
         "knob '" + knob.name + "': '" + knob.element + "' has no property '" + knob.property +
             "' that can be set",
         cure_for_property(knob.property, factory ? GST_OBJECT_NAME(factory) : "", klass)});
  }
}

}  // namespace

GstObjectPtr<GstElement> build_pipeline(const PipelineFile& file, const ParameterValues& values,
                                        Problems& problems) {
  const size_t before = problems.size();
  const auto body = file.fill(values, problems);
  if (!body) return nullptr;
  BodyCheck(file, *body, problems).run();
  if (problems.size() > before) return nullptr;
  auto pipeline = parse_body(file, *body, problems);
  if (!pipeline) return nullptr;
  for (const PipelineKnob& knob : file.knobs()) check_knob(file, knob, pipeline.get(), problems);
  if (problems.size() > before) return nullptr;
  return pipeline;
}

std::optional<PipelineFile> load_pipeline(const std::string& path_or_name, Problems& problems) {
  const auto path = find_pipeline(path_or_name);
  if (!path) {
    problems.push_back(
        {"", 0, "no pipeline file '" + path_or_name + "'",
         "give a path, or the name of one in " + pipelines_folder() + " (DRAGOMAN_PIPELINES)"});
    return std::nullopt;
  }
  return PipelineFile::read(*path, problems);
}

}  // namespace dragoman
