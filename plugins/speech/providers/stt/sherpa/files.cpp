// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/sherpa/files.h"

#include <elf.h>
#include <glib.h>
#include <link.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <span>

namespace dragoman::sherpa {
namespace {

namespace fs = std::filesystem;

constexpr char kCure[] = "run data/fetch-engines";
constexpr int kGraphField = 7;  // of ONNX's ModelProto
constexpr int kMaxVarintBytes = 10;
constexpr size_t kLeastModelBytes = 1000;
constexpr size_t kTokens = 32768;

/// Walks over the fields of a protocol buffer message without understanding it.
class Fields {
 public:
  explicit Fields(std::span<const uint8_t> bytes) : rest_(bytes) {}

  /// The next field's number and, if it is a nested one, its bytes. False at the end and at a
  /// fault.
  bool next(int& number, std::span<const uint8_t>& nested) {
    if (rest_.empty() || faulty_) return false;
    const uint64_t tag = varint();
    number = static_cast<int>(tag >> 3);
    nested = {};
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        nested = take(8);
        break;
      case 2:
        nested = take(varint());
        break;
      case 5:
        nested = take(4);
        break;
      default:
        faulty_ = true;
    }
    if (number == 0) faulty_ = true;
    return !faulty_;
  }
  bool faulty() const { return faulty_; }

 private:
  uint64_t varint() {
    uint64_t value = 0;
    for (int i = 0; i < kMaxVarintBytes && !rest_.empty(); ++i) {
      const uint8_t byte = rest_.front();
      rest_ = rest_.subspan(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    faulty_ = true;
    return 0;
  }
  std::span<const uint8_t> take(uint64_t size) {
    if (size > rest_.size()) {
      faulty_ = true;
      return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  std::span<const uint8_t> rest_;
  bool faulty_ = false;
};

bool is_whole_onnx(std::span<const uint8_t> bytes) {
  if (bytes.size() < kLeastModelBytes) return false;
  Fields model(bytes);
  bool has_graph = false;
  int number = 0;
  std::span<const uint8_t> nested;
  while (model.next(number, nested)) {
    if (number != kGraphField) continue;
    has_graph = true;
    Fields graph(nested);
    int ignored = 0;
    std::span<const uint8_t> node;
    while (graph.next(ignored, node)) {
    }
    if (graph.faulty()) return false;
  }
  return has_graph && !model.faulty();
}

std::string damaged(const fs::path& file, const std::string& what) {
  return file.string() + " " + what + "; remove " + file.parent_path().parent_path().string() +
         "/.complete and " + kCure;
}

/// Whether the file goes as far as its header says.
bool is_whole_library(std::span<const uint8_t> bytes) {
  ElfW(Ehdr) header;
  if (bytes.size() < sizeof header) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_shoff + uint64_t{header.e_shnum} * header.e_shentsize <= bytes.size() &&
         header.e_phoff + uint64_t{header.e_phnum} * header.e_phentsize <= bytes.size();
}

using IsWhole = bool (*)(std::span<const uint8_t>);

std::optional<std::string> check(const fs::path& file, IsWhole is_whole, const char* kind) {
  g_autoptr(GError) error = nullptr;
  g_autoptr(GMappedFile) mapped = g_mapped_file_new(file.c_str(), FALSE, &error);
  if (!mapped) return file.string() + " cannot be read: " + error->message;
  const std::span bytes(reinterpret_cast<const uint8_t*>(g_mapped_file_get_contents(mapped)),
                        g_mapped_file_get_length(mapped));
  if (is_whole(bytes)) return std::nullopt;
  return damaged(file, "is cut short or damaged (" + std::to_string(bytes.size()) +
                           " bytes are no whole " + kind + ")");
}

// Lines "base64(piece) id", ids from 0 without a gap.
std::optional<std::string> check_tokens(const fs::path& file) {
  std::ifstream lines(file);
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const size_t space = line.rfind(' ');
    if (space == line.npos || line.substr(space + 1) != std::to_string(count)) {
      return damaged(file, "is damaged at line " + std::to_string(count + 1));
    }
  }
  if (count == kTokens) return std::nullopt;
  return damaged(file, "is cut short (" + std::to_string(count) + " of " + std::to_string(kTokens) +
                           " lines)");
}

}  // namespace

fs::path engines_folder(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  const char* const environment = g_getenv("DRAGOMAN_ENGINES");
  if (environment && *environment) return environment;
  if constexpr (sizeof(DRAGOMAN_DEFAULT_ENGINES) > 1) return DRAGOMAN_DEFAULT_ENGINES;
  return fs::path(g_get_user_cache_dir()) / "dragoman" / "engines";
}

EngineFiles engine_files(const fs::path& folder, const std::string& language) {
  const fs::path models = folder / "models";
  const fs::path model = models / ("moonshine-base-" + language);
  const fs::path system_library = DRAGOMAN_SYSTEM_SHERPA;
  return {.folder = folder,
          .library =
              system_library.empty() ? folder / "lib" / "libsherpa-onnx-c-api.so" : system_library,
          .detector = models / "silero_vad.onnx",
          .encoder = model / "encoder_model.onnx",
          .decoder = model / "decoder_model_merged.onnx",
          .tokens = model / "tokens.txt"};
}

std::optional<std::string> find_missing(const EngineFiles& files, const std::string& language) {
  std::error_code ignored;
  for (const fs::path& file : {files.library, files.detector}) {
    if (!fs::is_regular_file(file, ignored)) {
      return file.string() + " is missing; " + kCure +
             ", or set DRAGOMAN_ENGINES to the folder that it filled";
    }
  }
  for (const fs::path& file : {files.encoder, files.decoder, files.tokens}) {
    if (!fs::is_regular_file(file, ignored)) {
      return file.string() + " is missing: there is no whole model for language '" + language +
             "'; " + kCure + ", or choose a language whose model is in " +
             (files.folder / "models").string();
    }
  }
  return std::nullopt;
}

std::optional<std::string> find_damaged(const EngineFiles& files) {
  for (const fs::path& file : {files.detector, files.encoder, files.decoder}) {
    if (auto fault = check(file, is_whole_onnx, "ONNX model")) return fault;
  }
  return check_tokens(files.tokens);
}

std::optional<std::string> find_damaged_library(const EngineFiles& files) {
  std::error_code ignored;
  const fs::path runtime = files.library.parent_path() / "libonnxruntime.so";
  for (const fs::path& file : {files.library, runtime}) {
    if (file == runtime && !fs::exists(file, ignored)) continue;  // it may be elsewhere
    if (auto fault = check(file, is_whole_library, "library")) return fault;
  }
  return std::nullopt;
}

}  // namespace dragoman::sherpa
