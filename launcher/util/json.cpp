// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

void append_escaped(std::string& out, const char* text) {
  out += '"';
  for (const char* c = text; *c; ++c) {
    switch (*c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f) {
          char code[8];
          g_snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned char>(*c));
          out += code;
        } else {
          out += *c;
        }
    }
  }
  out += '"';
}

void append(std::string& out, GVariant* variant);

void append_dictionary(std::string& out, GVariant* dictionary) {
  out += '{';
  for (gsize i = 0, n = g_variant_n_children(dictionary); i < n; ++i) {
    GVariant* entry = g_variant_get_child_value(dictionary, i);
    GVariant* key = g_variant_get_child_value(entry, 0);
    GVariant* value = g_variant_get_child_value(entry, 1);
    std::string name = g_variant_get_string(key, nullptr);
    std::replace(name.begin(), name.end(), '-', '_');
    if (i) out += ',';
    append_escaped(out, name.c_str());
    out += ':';
    append(out, value);
    g_variant_unref(value);
    g_variant_unref(key);
    g_variant_unref(entry);
  }
  out += '}';
}

void append_array(std::string& out, GVariant* array) {
  out += '[';
  for (gsize i = 0, n = g_variant_n_children(array); i < n; ++i) {
    if (i) out += ',';
    GVariant* child = g_variant_get_child_value(array, i);
    append(out, child);
    g_variant_unref(child);
  }
  out += ']';
}

void append_inner(std::string& out, GVariant* variant) {
  GVariant* inner = g_variant_get_variant(variant);
  append(out, inner);
  g_variant_unref(inner);
}

void append(std::string& out, GVariant* variant) {
  switch (g_variant_classify(variant)) {
    case G_VARIANT_CLASS_BOOLEAN:
      out += g_variant_get_boolean(variant) ? "true" : "false";
      break;
    case G_VARIANT_CLASS_BYTE:
      out += std::to_string(g_variant_get_byte(variant));
      break;
    case G_VARIANT_CLASS_INT16:
      out += std::to_string(g_variant_get_int16(variant));
      break;
    case G_VARIANT_CLASS_UINT16:
      out += std::to_string(g_variant_get_uint16(variant));
      break;
    case G_VARIANT_CLASS_INT32:
      out += std::to_string(g_variant_get_int32(variant));
      break;
    case G_VARIANT_CLASS_UINT32:
      out += std::to_string(g_variant_get_uint32(variant));
      break;
    case G_VARIANT_CLASS_INT64:
      out += std::to_string(g_variant_get_int64(variant));
      break;
    case G_VARIANT_CLASS_UINT64:
      out += std::to_string(g_variant_get_uint64(variant));
      break;
    case G_VARIANT_CLASS_DOUBLE:
      out += json_number(g_variant_get_double(variant));
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      append_escaped(out, g_variant_get_string(variant, nullptr));
      break;
    case G_VARIANT_CLASS_VARIANT:
      append_inner(out, variant);
      break;
    case G_VARIANT_CLASS_ARRAY:
      if (g_variant_is_of_type(variant, G_VARIANT_TYPE("a{s*}"))) {
        append_dictionary(out, variant);
        break;
      }
      [[fallthrough]];
    case G_VARIANT_CLASS_TUPLE:
      append_array(out, variant);
      break;
    default:
      out += "null";
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  const CharPtr valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  std::string out;
  append_escaped(out, valid.get());
  return out;
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

std::string json_from_variant(GVariant* variant) {
  std::string out;
  append(out, variant);
  return out;
}

}  // namespace dragoman
