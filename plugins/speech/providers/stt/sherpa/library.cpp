// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/sherpa/library.h"

#include <dlfcn.h>

namespace dragoman::sherpa {
namespace {

std::string fault() {
  const char* const error = dlerror();
  return std::string("cannot load the speech engine: ") + (error ? error : "unknown error") +
         "; run data/fetch-engines";
}

}  // namespace

std::string Library::load(const std::filesystem::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return fault();
#define DRAGOMAN_RESOLVE(name)                                             \
  if (!(name = reinterpret_cast<decltype(name)>(dlsym(library, #name)))) { \
    const std::string error = fault();                                     \
    dlclose(library);                                                      \
    return error;                                                          \
  }
  DRAGOMAN_SHERPA_FUNCTIONS(DRAGOMAN_RESOLVE)
#undef DRAGOMAN_RESOLVE
  return {};
}

}  // namespace dragoman::sherpa
