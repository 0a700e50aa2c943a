// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/fields.h"

#include <cmath>

namespace dragoman {
namespace {

/// Any number of D-Bus as a signed, an unsigned or a floating one.
template <typename Number>
std::optional<Number> read_number(GVariant* value) {
  switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_DOUBLE: {
      const double read = g_variant_get_double(value);
      if (!std::isfinite(read)) return std::nullopt;
      if (std::is_integral_v<Number> && !(read >= 0 && read < 1.8e19)) return std::nullopt;
      return static_cast<Number>(read);
    }
    case G_VARIANT_CLASS_UINT64:
      return static_cast<Number>(g_variant_get_uint64(value));
    case G_VARIANT_CLASS_UINT32:
      return static_cast<Number>(g_variant_get_uint32(value));
    case G_VARIANT_CLASS_UINT16:
      return static_cast<Number>(g_variant_get_uint16(value));
    case G_VARIANT_CLASS_BYTE:
      return static_cast<Number>(g_variant_get_byte(value));
    case G_VARIANT_CLASS_INT64:
      return static_cast<Number>(g_variant_get_int64(value));
    case G_VARIANT_CLASS_INT32:
      return static_cast<Number>(g_variant_get_int32(value));
    default:
      return std::nullopt;
  }
}

}  // namespace

VariantPtr Fields::value(const char* name) const {
  if (!dictionary_) return nullptr;
  VariantPtr value(g_variant_lookup_value(dictionary_, name, nullptr));
  while (value && g_variant_is_of_type(value.get(), G_VARIANT_TYPE_VARIANT))
    value.reset(g_variant_get_variant(value.get()));
  return value;
}

std::string Fields::text(const char* name) const {
  const VariantPtr found = value(name);
  if (!found || !g_variant_is_of_type(found.get(), G_VARIANT_TYPE_STRING)) return {};
  return g_variant_get_string(found.get(), nullptr);
}

std::optional<double> Fields::number(const char* name) const {
  const VariantPtr found = value(name);
  return found ? read_number<double>(found.get()) : std::nullopt;
}

std::optional<uint64_t> Fields::integer(const char* name) const {
  const VariantPtr found = value(name);
  return found ? read_number<uint64_t>(found.get()) : std::nullopt;
}

bool Fields::flag(const char* name) const {
  const VariantPtr found = value(name);
  return found && g_variant_is_of_type(found.get(), G_VARIANT_TYPE_BOOLEAN) &&
         g_variant_get_boolean(found.get());
}

}  // namespace dragoman
