// SPDX-License-Identifier: LGPL-2.1-or-later
// SHA-256 (FIPS 180-4) as hexadecimal text.
#pragma once

#include <glib.h>

#include <memory>
#include <string>
#include <string_view>

namespace dragoman {

class Sha256 {
 public:
  void add(std::string_view bytes) {
    g_checksum_update(sum_.get(), reinterpret_cast<const guchar*>(bytes.data()),
                      static_cast<gssize>(bytes.size()));
  }
  /// Of all that was added; nothing can be added after it.
  std::string hex() const { return g_checksum_get_string(sum_.get()); }

 private:
  struct Free {
    void operator()(GChecksum* sum) const { g_checksum_free(sum); }
  };
  std::unique_ptr<GChecksum, Free> sum_{g_checksum_new(G_CHECKSUM_SHA256)};
};

inline std::string sha256_of(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

}  // namespace dragoman
