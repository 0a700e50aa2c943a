// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/stations/knob_registry.h"

#include <gst/gst.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "launcher/pipeline/launch_text.h"
#include "launcher/util/json.h"
#include "plugins/common/handles.h"

namespace dragoman {
namespace {

constexpr double kLeastGain = -100, kMostGain = 20;  // dB; `volume` takes a factor of up to 10

template <typename Number>
std::optional<Number> parse_number(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> parse_bool(const std::string& text) {
  for (const char* yes : {"true", "yes", "on", "1"})
    if (!g_ascii_strcasecmp(text.c_str(), yes)) return true;
  for (const char* no : {"false", "no", "off", "0"})
    if (!g_ascii_strcasecmp(text.c_str(), no)) return false;
  return std::nullopt;
}

std::string number_text(double value) {
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.9g", value);
}

KnobSpec gain_spec(const std::string& name) {
  return {.name = name,
          .unit = "dB",
          .type = KnobType::kNumber,
          .low = kLeastGain,
          .high = kMostGain,
          .mapping = KnobMapping::kDecibels,
          .fallback = 0.0,
          .property = "volume"};
}

KnobSpec switch_spec(const std::string& name, const std::string& property, bool fallback) {
  return {.name = name, .fallback = fallback, .property = property};
}

/// What an element's definition tells of a property.
bool read_property(GParamSpec* property, KnobSpec& spec) {
  const auto range = [&spec](KnobType type, auto low, auto high, KnobValue fallback) {
    spec.type = type;
    spec.low = static_cast<double>(low);
    spec.high = static_cast<double>(high);
    spec.fallback = fallback;
    return true;
  };
  if (G_IS_PARAM_SPEC_BOOLEAN(property))
    return range(KnobType::kBool, 0, 1, G_PARAM_SPEC_BOOLEAN(property)->default_value != FALSE);
  if (const auto* i = G_IS_PARAM_SPEC_INT(property) ? G_PARAM_SPEC_INT(property) : nullptr)
    return range(KnobType::kInt, i->minimum, i->maximum, int64_t{i->default_value});
  if (const auto* u = G_IS_PARAM_SPEC_UINT(property) ? G_PARAM_SPEC_UINT(property) : nullptr)
    return range(KnobType::kInt, u->minimum, u->maximum, int64_t{u->default_value});
  if (const auto* i = G_IS_PARAM_SPEC_INT64(property) ? G_PARAM_SPEC_INT64(property) : nullptr)
    return range(KnobType::kInt, i->minimum, i->maximum, int64_t{i->default_value});
  if (const auto* u = G_IS_PARAM_SPEC_UINT64(property) ? G_PARAM_SPEC_UINT64(property) : nullptr)
    return range(KnobType::kInt, u->minimum, u->maximum, static_cast<int64_t>(u->default_value));
  if (const auto* f = G_IS_PARAM_SPEC_FLOAT(property) ? G_PARAM_SPEC_FLOAT(property) : nullptr)
    return range(KnobType::kNumber, f->minimum, f->maximum, double{f->default_value});
  if (const auto* d = G_IS_PARAM_SPEC_DOUBLE(property) ? G_PARAM_SPEC_DOUBLE(property) : nullptr)
    return range(KnobType::kNumber, d->minimum, d->maximum, d->default_value);
  return false;
}

/// Type, range and default of the property, from the element's own definition; false with `error`.
bool inspect(const std::string& factory_name, KnobSpec& spec, std::string& error) {
  GError* raw_error = nullptr;
  const bool ready = gst_init_check(nullptr, nullptr, &raw_error);
  const ErrorPtr init_error(raw_error);
  if (!ready) return error = init_error ? init_error->message : "no GStreamer", false;
  const GstObjectPtr<GstElementFactory> factory(gst_element_factory_find(factory_name.c_str()));
  const GstObjectPtr<GstPluginFeature> loaded(
      factory ? gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory.get())) : nullptr);
  if (!loaded) return error = "no element '" + factory_name + "'", false;
  const std::unique_ptr<void, Deleter<g_type_class_unref>> klass(
      g_type_class_ref(gst_element_factory_get_element_type(GST_ELEMENT_FACTORY(loaded.get()))));
  GParamSpec* property =
      g_object_class_find_property(G_OBJECT_CLASS(klass.get()), spec.property.c_str());
  if (!property)
    return error = "'" + factory_name + "' has no property '" + spec.property + "'", false;
  if (read_property(property, spec)) return true;
  error = "'" + spec.property + "' of '" + factory_name +
          "' is neither bool nor a number, and a knob must be";
  return false;
}

/// Elements by their name= with what the body sets on each and the station they come after.
struct NamedElement {
  std::string factory, station;
  std::map<std::string, std::string> properties;
};

std::map<std::string, NamedElement> named_elements(const std::string& body) {
  std::map<std::string, NamedElement> named;
  NamedElement current;
  std::string name, station;
  const auto keep = [&] {
    if (!name.empty()) named[name] = current;
  };
  for (const LaunchWord& word : launch_words(body)) {
    if (word.kind == LaunchWord::Kind::kElement) {
      keep();
      current = {word.element, station, {}};
      name.clear();
    } else if (!word.element.empty()) {
      const std::string value = unescape_value(word.value);
      if (word.property == "name") name = value;
      if (word.property == "station") station = value;
      current.properties[word.property] = value;
    }
  }
  keep();
  return named;
}

/// The knob's value for what the property is set to.
std::optional<KnobValue> value_of_property(const KnobSpec& spec, const std::string& text) {
  std::string error;
  if (spec.mapping == KnobMapping::kSame) return parse_knob_value(spec, text, error);
  const std::optional<double> number = parse_number<double>(text);
  if (!number) return std::nullopt;
  if (spec.mapping == KnobMapping::kNegated) return KnobValue(static_cast<int64_t>(-*number));
  const double decibels = *number > 0 ? 20 * std::log10(*number) : kLeastGain;
  return KnobValue(std::round(decibels * 1000) / 1000 + 0.0);  // + 0.0: no negative zero
}

bool is_gain(const std::string& name, const std::string& property) {
  return property == "volume" && name.ends_with("gain_db");
}

}  // namespace

const char* name_of(KnobType type) {
  constexpr const char* kNames[] = {"bool", "int", "number"};
  return kNames[static_cast<int>(type)];
}

std::string json_of(const KnobValue& value) {
  if (const bool* on = std::get_if<bool>(&value)) return *on ? "true" : "false";
  if (const int64_t* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  return json_number(std::get<double>(value));
}

const std::vector<KnobSpec>& known_knobs() {
  static const std::vector<KnobSpec> table = {
      switch_spec("agc.enabled", "gain-control", true),
      {.name = "agc.target_level_dbfs",
       .unit = "dBFS",
       .type = KnobType::kInt,
       .low = -31,
       .high = 0,
       .mapping = KnobMapping::kNegated,
       .fallback = int64_t{-3},
       .property = "target-level-dbfs"},
      switch_spec("noise_reduction.enabled", "noise-suppression", true),
      switch_spec("echo_cancellation.enabled", "echo-cancel", false),
      gain_spec("gain_db"),
  };
  return table;
}

std::vector<KnobSpec> knobs_of(const PipelineFile& file, const ParameterValues& values,
                               Problems& problems) {
  ParameterValues all = file.sample_values();
  for (const auto& [name, value] : values) all[name] = value;
  const std::optional<std::string> body = file.fill(all, problems);
  if (!body) return {};
  const std::map<std::string, NamedElement> named = named_elements(*body);
  std::vector<KnobSpec> specs;
  for (const PipelineKnob& knob : file.knobs()) {
    const auto at = named.find(knob.element);
    const NamedElement element = at == named.end() ? NamedElement() : at->second;
    KnobSpec spec = is_gain(knob.name, knob.property) ? gain_spec(knob.name) : KnobSpec();
    for (const KnobSpec& known : known_knobs())
      if (known.name == knob.name && known.property == knob.property) spec = known;
    spec.element = knob.element;
    spec.property = knob.property;
    spec.station = element.station;
    if (std::string error; spec.name.empty() && !inspect(element.factory, spec, error)) {
      problems.push_back({file.path(), knob.line, "knob '" + knob.name + "': " + error,
                          "name another property, or remove the knob"});
      continue;
    }
    spec.name = knob.name;
    if (const auto set = element.properties.find(knob.property); set != element.properties.end())
      spec.fallback = value_of_property(spec, set->second).value_or(spec.fallback);
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::optional<KnobValue> parse_knob_value(const KnobSpec& spec, const std::string& text,
                                          std::string& error) {
  const auto in_range = [&spec](double number) {
    return number >= spec.low && number <= spec.high;
  };
  if (spec.type == KnobType::kBool) {
    if (const auto on = parse_bool(text)) return KnobValue(*on);
  } else if (spec.type == KnobType::kInt) {
    if (const auto whole = parse_number<int64_t>(text);
        whole && in_range(static_cast<double>(*whole)))
      return KnobValue(*whole);
  } else if (const auto number = parse_number<double>(text); number && in_range(*number)) {
    return KnobValue(*number + 0.0);  // no negative zero
  }
  error = "'" + text + "' is not a value of " + spec.name + "; give " +
          (spec.type == KnobType::kBool  ? ""
           : spec.type == KnobType::kInt ? "a whole number, "
                                         : "a number, ") +
          range_text(spec) + (spec.unit.empty() ? "" : " " + spec.unit);
  return std::nullopt;
}

std::string property_text(const KnobSpec& spec, const KnobValue& value) {
  switch (spec.mapping) {
    case KnobMapping::kNegated:
      return std::to_string(-std::get<int64_t>(value));
    case KnobMapping::kDecibels:
      return number_text(std::pow(10, std::get<double>(value) / 20));
    case KnobMapping::kSame:
      break;
  }
  if (const double* number = std::get_if<double>(&value)) return number_text(*number);
  return json_of(value);
}

std::string range_text(const KnobSpec& spec) {
  if (spec.type == KnobType::kBool) return "true or false";
  char low[32], high[32];
  g_ascii_formatd(low, sizeof low, "%.10g", spec.low);
  g_ascii_formatd(high, sizeof high, "%.10g", spec.high);
  return std::string(low) + " to " + high;
}

}  // namespace dragoman
