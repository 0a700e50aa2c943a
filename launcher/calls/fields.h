// SPDX-License-Identifier: LGPL-2.1-or-later
// Fields of a message (a{sv}) by name, whatever width its sender chose.
#pragma once

#include <glib.h>

#include <memory>
#include <optional>
#include <string>

namespace dragoman {

struct VariantUnref {
  void operator()(GVariant* variant) const { g_variant_unref(variant); }
};
using VariantPtr = std::unique_ptr<GVariant, VariantUnref>;

class Fields {
 public:
  /// `dictionary`: a{sv}, borrowed; anything else has no fields.
  explicit Fields(GVariant* dictionary) : dictionary_(dictionary) {
    if (!dictionary || !g_variant_is_of_type(dictionary, G_VARIANT_TYPE_VARDICT))
      dictionary_ = nullptr;
  }

  std::string text(const char* name) const;
  std::optional<double> number(const char* name) const;
  std::optional<uint64_t> integer(const char* name) const;
  bool flag(const char* name) const;
  /// The field, out of its variants; null when absent.
  VariantPtr value(const char* name) const;

 private:
  GVariant* dictionary_;
};

}  // namespace dragoman
