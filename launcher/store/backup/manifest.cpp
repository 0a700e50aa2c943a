// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/manifest.h"

#include <json-glib/json-glib.h>

#include <memory>

#include "launcher/util/json.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

constexpr char kKind[] = "dragoman-backup";

std::string header_fields(const BackupHeader& header) {
  return "  \"kind\": " + json_string(kKind) + ",\n  \"format\": " + std::to_string(header.format) +
         ",\n  \"program\": " + json_string(header.program) +
         ",\n  \"schema\": " + std::to_string(header.schema) +
         ",\n  \"created\": " + json_string(header.created) +
         ",\n  \"host\": " + json_string(header.host);
}

struct Unref {
  void operator()(JsonParser* parser) const { g_object_unref(parser); }
};

/// A parsed object; the values it gives live as long.
class Json {
 public:
  explicit Json(const std::string& text) : parser_(json_parser_new()) {
    if (!json_parser_load_from_data(parser_.get(), text.data(), static_cast<gssize>(text.size()),
                                    nullptr) ||
        !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser_.get())))
      throw BackupError("its manifest is damaged");
    root_ = json_node_get_object(json_parser_get_root(parser_.get()));
  }
  JsonObject* root() const { return root_; }

 private:
  std::unique_ptr<JsonParser, Unref> parser_;
  JsonObject* root_ = nullptr;
};

JsonNode* value(JsonObject* object, const char* name) {
  JsonNode* node = json_object_get_member(object, name);
  if (!node) throw BackupError(std::string("its manifest has no ") + name);
  return node;
}

std::string text(JsonObject* object, const char* name) {
  JsonNode* node = value(object, name);
  const char* found = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_string(node) : nullptr;
  if (!found) throw BackupError(std::string("its manifest's ") + name + " is no text");
  return found;
}

int64_t number(JsonObject* object, const char* name) {
  JsonNode* node = value(object, name);
  if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
    throw BackupError(std::string("its manifest's ") + name + " is no number");
  return json_node_get_int(node);
}

BackupHeader header_of(JsonObject* object) {
  if (text(object, "kind") != kKind) throw BackupError("it is no backup of dragoman");
  BackupHeader header;
  header.format = static_cast<int>(number(object, "format"));
  header.program = log::printable(text(object, "program"), 64);
  if (header.format > kBackupFormat)
    throw BackupError("it has format " + std::to_string(header.format) +
                      ", this program reads up to " + std::to_string(kBackupFormat) +
                      "; restore it with dragoman " + header.program + " or later");
  header.schema = number(object, "schema");
  header.created = log::printable(text(object, "created"), 64);
  header.host = log::printable(text(object, "host"), 256);
  return header;
}

BackupFile file_of(JsonNode* node) {
  if (!JSON_NODE_HOLDS_OBJECT(node)) throw BackupError("its manifest's files are damaged");
  JsonObject* object = json_node_get_object(node);
  return {.name = text(object, "name"),
          .size = static_cast<uint64_t>(number(object, "size")),
          .sha256 = text(object, "sha256")};
}

BackupSegments segments_of(JsonNode* node) {
  if (!JSON_NODE_HOLDS_OBJECT(node)) throw BackupError("its manifest's segments are damaged");
  JsonObject* object = json_node_get_object(node);
  return {.files = static_cast<uint64_t>(number(object, "files")),
          .bytes = static_cast<uint64_t>(number(object, "bytes")),
          .sha256 = text(object, "sha256")};
}

void read_files(JsonArray* array, Manifest& manifest) {
  SegmentSum segments;
  for (guint i = 0; i < json_array_get_length(array); ++i) {
    BackupFile file = file_of(json_array_get_element(array, i));
    if (is_segment(file.name))
      segments.add(file);
    else
      manifest.files.push_back(std::move(file));
  }
  manifest.segments = segments.result();
}

}  // namespace

const BackupFile* Manifest::find(const std::string& name) const {
  for (const BackupFile& file : files)
    if (file.name == name) return &file;
  return nullptr;
}

bool is_segment(const std::string& name) { return name.starts_with("audio/"); }

void SegmentSum::add(const BackupFile& segment) {
  ++segments_.files;
  segments_.bytes += segment.size;
  sum_.add(segment.sha256 + " " + std::to_string(segment.size) + " " + segment.name + "\n");
}

BackupSegments SegmentSum::result() const {
  BackupSegments segments = segments_;
  segments.sha256 = sum_.hex();
  return segments;
}

std::string header_json(const BackupHeader& header) {
  return "{\n" + header_fields(header) + "\n}\n";
}

std::string manifest_json(const Manifest& manifest) {
  std::string json = "{\n" + header_fields(manifest.header) +
                     ",\n  \"audio\": " + (manifest.audio ? "true" : "false") +
                     ",\n  \"segments\": {\"files\": " + std::to_string(manifest.segments.files) +
                     ", \"bytes\": " + std::to_string(manifest.segments.bytes) +
                     ", \"sha256\": " + json_string(manifest.segments.sha256) +
                     "},\n  \"named\": {";
  const char* comma = "";
  for (const auto& [name, key] : manifest.named) {
    json += comma + ("\n    " + json_string(name)) + ": " + json_string(key);
    comma = ",";
  }
  json += "},\n  \"notes\": [";
  comma = "";
  for (const std::string& note : manifest.notes) {
    json += comma + ("\n    " + json_string(note));
    comma = ",";
  }
  json += "],\n  \"files\": [";
  comma = "";
  for (const BackupFile& file : manifest.files) {
    json += comma + ("\n    {\"name\": " + json_string(file.name)) +
            ", \"size\": " + std::to_string(file.size) +
            ", \"sha256\": " + json_string(file.sha256) + "}";
    comma = ",";
  }
  return json + "]\n}\n";
}

BackupHeader read_header(const std::string& json) { return header_of(Json(json).root()); }

Manifest read_manifest(const std::string& text_of_it) {
  const Json json(text_of_it);
  Manifest manifest;
  manifest.header = header_of(json.root());
  JsonNode* audio = value(json.root(), "audio");
  manifest.audio = JSON_NODE_HOLDS_VALUE(audio) && json_node_get_boolean(audio);
  JsonNode* named = value(json.root(), "named");
  JsonNode* files = value(json.root(), "files");
  if (!JSON_NODE_HOLDS_OBJECT(named) || !JSON_NODE_HOLDS_ARRAY(files))
    throw BackupError("its manifest is damaged");
  JsonObjectIter member;
  const char* name = nullptr;
  JsonNode* unused = nullptr;
  json_object_iter_init(&member, json_node_get_object(named));
  while (json_object_iter_next(&member, &name, &unused))
    manifest.named[name] = text(json_node_get_object(named), name);
  JsonNode* notes = value(json.root(), "notes");
  JsonArray* lines = JSON_NODE_HOLDS_ARRAY(notes) ? json_node_get_array(notes) : nullptr;
  for (guint i = 0; lines && i < json_array_get_length(lines); ++i)
    if (const char* line = json_array_get_string_element(lines, i))
      manifest.notes.push_back(log::printable(line));
  read_files(json_node_get_array(files), manifest);
  if (manifest.header.format > 1) manifest.segments = segments_of(value(json.root(), "segments"));
  return manifest;
}

}  // namespace dragoman
