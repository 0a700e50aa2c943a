// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/values.h"

#include <limits>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

GVariant* variant_from_list(const GValue* value) {
  const bool array = GST_VALUE_HOLDS_ARRAY(value);
  const guint size = array ? gst_value_array_get_size(value) : gst_value_list_get_size(value);
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("av"));
  for (guint i = 0; i < size; ++i) {
    const GValue* item =
        array ? gst_value_array_get_value(value, i) : gst_value_list_get_value(value, i);
    g_variant_builder_add(&builder, "v", variant_from_value(item));
  }
  return g_variant_builder_end(&builder);
}

/// GValueArray, which GLib wants no new code to use and `level` posts.
GVariant* variant_from_old_array(const GValue* value) {
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  const auto* array = static_cast<const GValueArray*>(g_value_get_boxed(value));
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("av"));
  for (guint i = 0; array && i < array->n_values; ++i) {
    g_variant_builder_add(&builder, "v", variant_from_value(&array->values[i]));
  }
  return g_variant_builder_end(&builder);
  G_GNUC_END_IGNORE_DEPRECATIONS
}

GVariant* variant_from_text_of(const GValue* value) {
  const CharPtr text(gst_value_serialize(value));
  return g_variant_new_string(text ? text.get() : "");
}

GVariant* variant_from_enum(const GValue* value) {
  auto* klass = static_cast<GEnumClass*>(g_type_class_ref(G_VALUE_TYPE(value)));
  const GEnumValue* entry = g_enum_get_value(klass, g_value_get_enum(value));
  GVariant* variant = g_variant_new_string(entry ? entry->value_nick : "");
  g_type_class_unref(klass);
  return variant;
}

GVariant* utf8_variant(const char* text) {
  if (!text) return g_variant_new_string("");
  const CharPtr valid(g_utf8_make_valid(text, -1));
  return g_variant_new_string(valid.get());
}

gboolean add_field(GQuark field, const GValue* value, gpointer builder) {
  if (G_VALUE_TYPE(value) == G_TYPE_UINT64 && g_value_get_uint64(value) == GST_CLOCK_TIME_NONE) {
    return TRUE;
  }
  g_variant_builder_add(static_cast<GVariantBuilder*>(builder), "{sv}", g_quark_to_string(field),
                        variant_from_value(value));
  return TRUE;
}

bool refuse(GParamSpec* spec, const std::string& given, GValue* value, std::string& error) {
  if (G_VALUE_TYPE(value)) g_value_unset(value);
  error = given + " is not a value of '" + spec->name + "': it takes " + describe_range(spec);
  return false;
}

/// A number of any D-Bus type, when it is one.
bool variant_number(GVariant* variant, double& number) {
  switch (g_variant_classify(variant)) {
    case G_VARIANT_CLASS_BYTE:
      number = g_variant_get_byte(variant);
      return true;
    case G_VARIANT_CLASS_INT16:
      number = g_variant_get_int16(variant);
      return true;
    case G_VARIANT_CLASS_UINT16:
      number = g_variant_get_uint16(variant);
      return true;
    case G_VARIANT_CLASS_INT32:
      number = g_variant_get_int32(variant);
      return true;
    case G_VARIANT_CLASS_UINT32:
      number = g_variant_get_uint32(variant);
      return true;
    case G_VARIANT_CLASS_INT64:
      number = static_cast<double>(g_variant_get_int64(variant));
      return true;
    case G_VARIANT_CLASS_UINT64:
      number = static_cast<double>(g_variant_get_uint64(variant));
      return true;
    case G_VARIANT_CLASS_DOUBLE:
      number = g_variant_get_double(variant);
      return true;
    default:
      return false;
  }
}

}  // namespace

GVariant* variant_from_value(const GValue* value) {
  if (GST_VALUE_HOLDS_LIST(value) || GST_VALUE_HOLDS_ARRAY(value)) return variant_from_list(value);
  if (GST_VALUE_HOLDS_STRUCTURE(value)) {
    const GstStructure* nested = gst_value_get_structure(value);
    if (nested) return variant_from_structure(nested);
    return g_variant_new_array(G_VARIANT_TYPE("{sv}"), nullptr, 0);
  }
  if (G_VALUE_HOLDS_ENUM(value)) return variant_from_enum(value);
  if (g_str_equal(G_VALUE_TYPE_NAME(value), "GValueArray")) return variant_from_old_array(value);
  switch (G_VALUE_TYPE(value)) {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean(g_value_get_boolean(value));
    case G_TYPE_INT:
      return g_variant_new_int32(g_value_get_int(value));
    case G_TYPE_UINT:
      return g_variant_new_uint32(g_value_get_uint(value));
    case G_TYPE_LONG:
      return g_variant_new_int64(g_value_get_long(value));
    case G_TYPE_ULONG:
      return g_variant_new_uint64(g_value_get_ulong(value));
    case G_TYPE_INT64:
      return g_variant_new_int64(g_value_get_int64(value));
    case G_TYPE_UINT64:
      return g_variant_new_uint64(g_value_get_uint64(value));
    case G_TYPE_FLOAT:
      return g_variant_new_double(g_value_get_float(value));
    case G_TYPE_DOUBLE:
      return g_variant_new_double(g_value_get_double(value));
    case G_TYPE_STRING:
      return utf8_variant(g_value_get_string(value));
    case G_TYPE_VARIANT:
      if (GVariant* inner = g_value_get_variant(value)) return g_variant_new_variant(inner);
      return g_variant_new_string("");
    default:
      return variant_from_text_of(value);
  }
}

GVariant* variant_from_structure(const GstStructure* structure) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
  gst_structure_foreach(structure, add_field, &builder);
  return g_variant_builder_end(&builder);
}

bool value_from_text(const std::string& text, GParamSpec* spec, GValue* value, std::string& error) {
  g_value_init(value, spec->value_type);
  if (spec->value_type == G_TYPE_STRING) {
    g_value_set_string(value, text.c_str());
    return true;
  }
  if (!gst_value_deserialize_with_pspec(value, text.c_str(), spec) ||
      (G_IS_PARAM_SPEC_BOOLEAN(spec) ? false : g_param_value_validate(spec, value))) {
    return refuse(spec, "'" + text + "'", value, error);
  }
  return true;
}

bool value_from_variant(GVariant* variant, GParamSpec* spec, GValue* value, std::string& error) {
  if (g_variant_is_of_type(variant, G_VARIANT_TYPE_VARIANT)) {
    GVariant* inner = g_variant_get_variant(variant);
    const bool done = value_from_variant(inner, spec, value, error);
    g_variant_unref(inner);
    return done;
  }
  if (g_variant_is_of_type(variant, G_VARIANT_TYPE_STRING)) {
    return value_from_text(g_variant_get_string(variant, nullptr), spec, value, error);
  }
  const CharPtr printed(g_variant_print(variant, FALSE));
  double number = 0;
  if (g_variant_is_of_type(variant, G_VARIANT_TYPE_BOOLEAN)) {
    if (G_IS_PARAM_SPEC_BOOLEAN(spec)) {
      g_value_init(value, G_TYPE_BOOLEAN);
      g_value_set_boolean(value, g_variant_get_boolean(variant));
      return true;
    }
  } else if (variant_number(variant, number) && !G_IS_PARAM_SPEC_BOOLEAN(spec) &&
             spec->value_type != G_TYPE_STRING) {
    const bool real = spec->value_type == G_TYPE_DOUBLE || spec->value_type == G_TYPE_FLOAT;
    if (!real && number == static_cast<double>(static_cast<gint64>(number))) {
      return value_from_text(std::to_string(static_cast<gint64>(number)), spec, value, error);
    }
    if (real) {
      char text[G_ASCII_DTOSTR_BUF_SIZE];
      return value_from_text(g_ascii_dtostr(text, sizeof text, number), spec, value, error);
    }
  }
  return refuse(spec, printed.get(), value, error);
}

namespace {

template <typename Number>
std::string range_text(Number minimum, Number maximum) {
  if (maximum == std::numeric_limits<Number>::max()) {
    if (minimum == std::numeric_limits<Number>::lowest()) return "a number";
    return "a number of at least " + std::to_string(minimum);
  }
  return std::to_string(minimum) + " to " + std::to_string(maximum);
}

std::string real_range_text(double minimum, double maximum) {
  char text[80];
  g_snprintf(text, sizeof text, "%g to %g", minimum, maximum);
  return text;
}

std::string enum_range_text(GType type) {
  auto* klass = static_cast<GEnumClass*>(g_type_class_ref(type));
  std::string names;
  for (guint i = 0; i < klass->n_values; ++i) {
    names += (i ? ", " : "") + std::string(klass->values[i].value_nick);
  }
  g_type_class_unref(klass);
  return "one of " + names;
}

}  // namespace

std::string describe_range(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return "true or false";
  if (G_IS_PARAM_SPEC_ENUM(spec)) return enum_range_text(spec->value_type);
  if (G_IS_PARAM_SPEC_INT(spec)) {
    return range_text(G_PARAM_SPEC_INT(spec)->minimum, G_PARAM_SPEC_INT(spec)->maximum);
  }
  if (G_IS_PARAM_SPEC_UINT(spec)) {
    return range_text(G_PARAM_SPEC_UINT(spec)->minimum, G_PARAM_SPEC_UINT(spec)->maximum);
  }
  if (G_IS_PARAM_SPEC_INT64(spec)) {
    return range_text(G_PARAM_SPEC_INT64(spec)->minimum, G_PARAM_SPEC_INT64(spec)->maximum);
  }
  if (G_IS_PARAM_SPEC_UINT64(spec)) {
    return range_text(G_PARAM_SPEC_UINT64(spec)->minimum, G_PARAM_SPEC_UINT64(spec)->maximum);
  }
  if (G_IS_PARAM_SPEC_DOUBLE(spec)) {
    return real_range_text(G_PARAM_SPEC_DOUBLE(spec)->minimum, G_PARAM_SPEC_DOUBLE(spec)->maximum);
  }
  if (G_IS_PARAM_SPEC_FLOAT(spec)) {
    return real_range_text(G_PARAM_SPEC_FLOAT(spec)->minimum, G_PARAM_SPEC_FLOAT(spec)->maximum);
  }
  return std::string("a ") + g_type_name(spec->value_type);
}

}  // namespace dragoman
