// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/config.h"

#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <set>

namespace dragoman {
namespace {

constexpr char kRouteGroup[] = "extension ";
constexpr char kKnobGroup[] = "knobs", kKnobKey[] = "knob.";
constexpr size_t kMaxFileBytes = 1 << 20;
constexpr int kMaxRetentionHours = 87600;

/// Sets one value; returns what the value should have been, or an empty string.
using Set = std::function<std::string(Config&, Route*, const std::string&)>;

struct Key {
  const char *group, *name;
  Set set;
};

std::string environment(const char* name) {
  const char* value = g_getenv(name);
  return value ? value : "";
}

template <typename Number>
bool parse_number(const std::string& text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string set_int(int* target, const std::string& text, int low, int high) {
  int value = 0;
  if (!parse_number(text, &value) || value < low || value > high)
    return "a number from " + std::to_string(low) + " to " + std::to_string(high);
  *target = value;
  return {};
}

bool parse_bool(const std::string& text, bool* value) {
  for (const char* yes : {"true", "yes", "on", "1"})
    if (!g_ascii_strcasecmp(text.c_str(), yes)) return *value = true;
  for (const char* no : {"false", "no", "off", "0"})
    if (!g_ascii_strcasecmp(text.c_str(), no)) return !(*value = false);
  return false;
}

/// A string of 1 to `limit` of the characters in `allowed` and letters and digits.
bool is_name(const std::string& text, const char* allowed, size_t limit = 64) {
  return !text.empty() && text.size() <= limit &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return g_ascii_isalnum(c) || std::strchr(allowed, c); });
}

std::string set_name(std::string* target, const std::string& text, const char* allowed) {
  if (!is_name(text, allowed))
    return std::string("letters, digits and any of '") + allowed + "', at most 64";
  *target = text;
  return {};
}

std::string set_language(std::string* target, const std::string& text) {
  const bool tag = text.size() >= 2 && text.size() <= 3 &&
                   std::all_of(text.begin(), text.end(), [](char c) { return g_ascii_islower(c); });
  if (!tag) return "a language tag such as en or es";
  *target = text;
  return {};
}

std::string set_url(std::string* target, const std::string& text) {
  g_autoptr(GUri) uri = g_uri_parse(text.c_str(), G_URI_FLAGS_NONE, nullptr);
  const bool http =
      uri && (!strcmp(g_uri_get_scheme(uri), "http") || !strcmp(g_uri_get_scheme(uri), "https"));
  if (!http || !g_uri_get_host(uri) || !*g_uri_get_host(uri))
    return "an address such as http://127.0.0.1:8088/ari";
  if (g_uri_get_userinfo(uri))
    return "an address without user and password: give the user with the key user, the password in "
           "the environment variable DRAGOMAN_ARI_PASSWORD";
  *target = text;
  while (target->ends_with('/')) target->pop_back();
  return {};
}

std::string set_text(std::string* target, const std::string& text) {
  if (text.empty()) return "a value";
  *target = text;
  return {};
}

std::string set_gain(double* target, const std::string& text) {
  double value = 0;
  if (!parse_number(text, &value) || !(value >= -60 && value <= 60))
    return "a number of decibels from -60 to 60";
  *target = value;
  return {};
}

std::string set_gigabytes(double* target, const std::string& text) {
  double value = 0;
  if (!parse_number(text, &value) || !(value >= 0 && value <= 1e6))
    return "a number of gigabytes from 0 (no bound) to 1000000";
  *target = value;
  return {};
}

std::string set_retention(int* target, const std::string& text) {
  if (set_int(target, text, 0, kMaxRetentionHours).empty()) return {};
  return "whole hours from 0 (rows and files are kept for ever) to 87600 (ten years)";
}

/// Whether a connection string of libpq or a URI holds a password.
bool holds_password(const std::string& conninfo) {
  g_autofree char* lower = g_ascii_strdown(conninfo.data(), static_cast<gssize>(conninfo.size()));
  if (std::strstr(lower, "password") || std::strstr(lower, "passwd")) return true;
  const size_t slashes = conninfo.find("://");
  if (slashes == std::string::npos) return false;
  const std::string rest = conninfo.substr(slashes + 3);
  const std::string authority = rest.substr(0, rest.find('/'));
  const size_t at = authority.rfind('@');
  return at != std::string::npos && authority.substr(0, at).find(':') != std::string::npos;
}

/// Every key there is. Routes' keys have the group "extension".
const std::vector<Key>& keys() {
  static const std::vector<Key> table = {
      {"ari", "url", [](Config& c, Route*, auto& v) { return set_url(&c.ari.url, v); }},
      {"ari", "application",
       [](Config& c, Route*, auto& v) { return set_name(&c.ari.application, v, "-_"); }},
      {"ari", "user", [](Config& c, Route*, auto& v) { return set_name(&c.ari.user, v, "-_.@"); }},
      {"ari", "timeout-ms",
       [](Config& c, Route*, auto& v) { return set_int(&c.ari.timeout_ms, v, 100, 60000); }},
      {"media", "address",
       [](Config& c, Route*, auto& v) { return set_name(&c.media.address, v, ".-"); }},
      {"media", "first-port",
       [](Config& c, Route*, auto& v) { return set_int(&c.media.first_port, v, 1024, 65534); }},
      {"media", "last-port",
       [](Config& c, Route*, auto& v) { return set_int(&c.media.last_port, v, 1024, 65535); }},
      {"media", "format",
       [](Config& c, Route*, auto& v) -> std::string {
         if (v != "slin16" && v != "slin" && v != "ulaw" && v != "g722")
           return "slin16, slin, ulaw or g722";
         c.media.format = v;
         return {};
       }},
      {"media", "workers",
       [](Config& c, Route*, auto& v) { return set_int(&c.media.workers, v, 1, 64); }},
      {"calls", "max-wait-s",
       [](Config& c, Route*, auto& v) { return set_int(&c.calls.max_wait_s, v, 0, 86400); }},
      {"calls", "linger-s",
       [](Config& c, Route*, auto& v) { return set_int(&c.calls.linger_s, v, 0, 60); }},
      {"paths", "data", [](Config& c, Route*, auto& v) { return set_text(&c.paths.data, v); }},
      {"paths", "audio", [](Config& c, Route*, auto& v) { return set_text(&c.paths.audio, v); }},
      {"paths", "pipelines",
       [](Config& c, Route*, auto& v) { return set_text(&c.paths.pipelines, v); }},
      {"speech", "memory",
       [](Config& c, Route*, auto& v) { return set_text(&c.speech.memory, v); }},
      {"monitoring", "enabled",
       [](Config& c, Route*, auto& v) -> std::string {
         return parse_bool(v, &c.monitoring.enabled) ? "" : "true or false";
       }},
      {"monitoring", "retention-hours",
       [](Config& c, Route*, auto& v) { return set_retention(&c.monitoring.retention_hours, v); }},
      {"monitoring", "max-disk-gb",
       [](Config& c, Route*, auto& v) { return set_gigabytes(&c.monitoring.max_disk_gb, v); }},
      {"monitoring", "min-free-mb",
       [](Config& c, Route*, auto& v) {
         return set_int(&c.monitoring.min_free_mb, v, 0, 1 << 20);
       }},
      {"store", "postgresql",
       [](Config& c, Route*, auto& v) { return set_text(&c.store.postgresql, v); }},
      {"store", "postgresql-retention-hours",
       [](Config& c, Route*, auto& v) {
         return set_retention(&c.store.retention_hours.emplace(), v);
       }},
      {"extension", "language",
       [](Config&, Route* r, auto& v) { return set_language(&r->language, v); }},
      {"extension", "hears", [](Config&, Route* r, auto& v) { return set_language(&r->hears, v); }},
      {"extension", "partner",
       [](Config&, Route* r, auto& v) { return set_name(&r->partner, v, "*#+_-"); }},
      {"extension", "pipeline",
       [](Config&, Route* r, auto& v) { return set_text(&r->pipeline, v); }},
      {"extension", "port",
       [](Config&, Route* r, auto& v) { return set_int(&r->port, v, 0, 65535); }},
      {"extension", "gain-db", [](Config&, Route* r, auto& v) { return set_gain(&r->gain_db, v); }},
      {"extension", "station",
       [](Config&, Route* r, auto& v) { return set_name(&r->station, v, "_-"); }},
      {"extension", "translated-station",
       [](Config&, Route* r, auto& v) { return set_name(&r->translated_station, v, "_-"); }},
  };
  return table;
}

const Key* find_key(const std::string& group, const std::string& name) {
  for (const Key& key : keys())
    if (group == key.group && name == key.name) return &key;
  return nullptr;
}

std::string names_of(const std::string& group) {
  std::string names;
  for (const Key& key : keys())
    if (group == key.group) names += (names.empty() ? "" : ", ") + std::string(key.name);
  return names;
}

/// The line of each group and key of a GKeyFile's text, which GKeyFile itself does not tell. Keys
/// are "group\nkey", groups "group\n".
std::map<std::string, int> lines_of(const std::string& text) {
  std::map<std::string, int> lines;
  std::string group;
  int number = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    g_autofree char* line = g_strstrip(g_strndup(text.data() + at, end - at));
    at = end + 1;
    ++number;
    const std::string content = line;
    if (content.empty() || content[0] == '#') continue;
    if (content[0] == '[') {
      group = content.substr(1, content.find(']') - 1);
      lines.emplace(group + "\n", number);
    } else if (const size_t equals = content.find('='); equals != std::string::npos) {
      g_autofree char* key = g_strstrip(g_strndup(content.data(), equals));
      lines[group + "\n" + key] = number;
    }
  }
  return lines;
}

class Reader {
 public:
  Reader(Config* config, std::string name, const std::string& text)
      : config_(config), name_(std::move(name)), lines_(lines_of(text)) {}

  void read(const std::string& text) {
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = nullptr;
    if (!g_key_file_load_from_data(file, text.data(), text.size(), G_KEY_FILE_NONE, &error))
      throw ConfigError(name_ + ": " + error->message +
                        "; a line is [group], key = value or begins with #");
    g_auto(GStrv) groups = g_key_file_get_groups(file, nullptr);
    for (char** group = groups; *group; ++group) {
      if (!g_str_has_prefix(*group, kRouteGroup)) continue;
      if (!routes_given_) config_->routes.clear();
      routes_given_ = true;
    }
    for (char** group = groups; *group; ++group) read_group(file, *group);
  }

  void set(const std::string& group, const std::string& key, const std::string& value,
           const std::string& where, Route* route) {
    const Key* known = find_key(group, key);
    if (!known) unknown_key(group, key, where);
    // Before any message that would repeat the value.
    if (group == "store" && key == "postgresql" && holds_password(value))
      throw ConfigError(where +
                        ": a password does not belong in this file; put it in the environment "
                        "variable PGPASSWORD or in ~/.pgpass and take it out of the line");
    const std::string wanted = known->set(*config_, route, value);
    if (!wanted.empty())
      throw ConfigError(where + ": " + key + " = " + value + ": not valid; give " + wanted);
  }

 private:
  std::string at(const std::string& group, const std::string& key) const {
    const auto found = lines_.find(group + "\n" + key);
    return found == lines_.end() ? name_ : name_ + ":" + std::to_string(found->second);
  }

  /// [knobs], [knobs STATION].
  void read_knobs(GKeyFile* file, const std::string& group) {
    using Level = KnobSetting::Level;
    const bool all = group == kKnobGroup;
    const std::string station = all ? "" : group.substr(std::strlen(kKnobGroup) + 1);
    g_auto(GStrv) names = g_key_file_get_keys(file, group.c_str(), nullptr, nullptr);
    for (char** name = names; *name; ++name)
      add_knob(all ? Level::kDefault : Level::kStation, station, *name,
               value_of(file, group, *name), at(group, *name));
  }

  void add_knob(KnobSetting::Level level, const std::string& key, const std::string& name,
                const std::string& value, const std::string& where) {
    if (!value.empty()) config_->knobs.push_back({level, key, name, value, where});
  }

  std::string value_of(GKeyFile* file, const std::string& group, const char* name) const {
    g_autoptr(GError) error = nullptr;
    g_autofree char* value = g_key_file_get_string(file, group.c_str(), name, &error);
    if (error) throw ConfigError(at(group, name) + ": " + error->message);
    return g_strstrip(value);
  }

  void read_group(GKeyFile* file, const std::string& group) {
    if (group == kKnobGroup || group.starts_with(std::string(kKnobGroup) + " "))
      return read_knobs(file, group);
    Route* route = group.starts_with(kRouteGroup) ? add_route(group) : nullptr;
    const std::string table_group = route ? "extension" : group;
    if (names_of(table_group).empty() || group == "extension")
      throw ConfigError(at(group, "") + ": unknown group [" + group +
                        "]; there are [ari], [media], [calls], [paths], [speech], [monitoring], "
                        "[store], [extension NUMBER], [knobs] and [knobs STATION]");
    g_auto(GStrv) names = g_key_file_get_keys(file, group.c_str(), nullptr, nullptr);
    for (char** name = names; *name; ++name) {
      const std::string value = value_of(file, group, *name);
      if (route && g_str_has_prefix(*name, kKnobKey))
        add_knob(KnobSetting::Level::kExtension, route->extension, *name + std::strlen(kKnobKey),
                 value, at(group, *name));
      else if (!value.empty())
        set(table_group, *name, value, at(group, *name), route);
      else if (!find_key(table_group, *name))
        unknown_key(table_group, *name, at(group, *name));
    }
  }

  Route* add_route(const std::string& group) {
    const std::string extension = group.substr(std::strlen(kRouteGroup));
    if (!is_name(extension, "*#+_-"))
      throw ConfigError(at(group, "") + ": [" + group +
                        "]: not an extension; give digits, letters and any of *#+_-");
    Route& route = config_->routes[extension];
    const auto standard = Config::parse("", "", {}).routes;
    if (const auto known = standard.find(extension); known != standard.end()) route = known->second;
    route.extension = extension;
    route.station = route.translated_station = "";
    return &route;
  }

  [[noreturn]] void unknown_key(const std::string& group, const std::string& key,
                                const std::string& where) {
    if (group == "ari" && key == "password")
      throw ConfigError(where +
                        ": a password does not belong in this file; put it in the environment "
                        "variable DRAGOMAN_ARI_PASSWORD and remove the line");
    throw ConfigError(where + ": unknown key " + key + "; [" + group + "] has " + names_of(group));
  }

  Config* config_;
  std::string name_;
  std::map<std::string, int> lines_;
  bool routes_given_ = false;
};

/// Workers need not share our working folder.
std::string absolute(const std::string& path) {
  g_autofree char* canonical = g_canonicalize_filename(path.c_str(), nullptr);
  return canonical;
}

std::string default_data_folder() {
  if (geteuid() == 0) return "/var/lib/dragoman";
  const std::string xdg = environment("XDG_DATA_HOME");
  return (xdg.empty() ? std::string(g_get_home_dir()) + "/.local/share" : xdg) + "/dragoman";
}

/// The seed's plan: the caller's audio at St_3 and St_4, what he hears at St_5 and St_6; further
/// pairs the same, as the trace tells them apart.
void assign_stations(Config& config) {
  std::set<std::string> second;
  for (auto& [extension, route] : config.routes) {
    const bool is_second = second.count(extension) > 0;
    if (!route.partner.empty()) second.insert(route.partner);
    if (route.station.empty()) route.station = is_second ? "St_4" : "St_3";
    if (route.translated_station.empty()) route.translated_station = is_second ? "St_6" : "St_5";
    if (route.hears.empty()) route.hears = route.language;
  }
}

void check_pairs(const Config& config, const std::string& name) {
  for (const auto& [extension, route] : config.routes) {
    const std::string where = name + ": [extension " + extension + "]: ";
    std::vector<std::string> stations = {route.station, route.translated_station};
    if (!route.partner.empty()) {
      const auto partner = config.routes.find(route.partner);
      if (route.partner == extension)
        throw ConfigError(where + "partner is the extension itself; name the other party's");
      if (partner == config.routes.end())
        throw ConfigError(where + "partner " + route.partner + " has no group [extension " +
                          route.partner + "]; add it");
      if (partner->second.partner != extension)
        throw ConfigError(where + "partner " + route.partner + " does not name " + extension +
                          " as its partner; set partner = " + extension + " there");
      stations.push_back(partner->second.station);
      stations.push_back(partner->second.translated_station);
    }
    std::set<std::string> seen;
    for (const std::string& station : stations)
      if (!seen.insert(station).second)
        throw ConfigError(where + "station " + station +
                          " is used twice in the pair; give each party's station and "
                          "translated-station a name of its own");
  }
}

void apply_environment(Config& config, Reader& reader) {
  config.ari.password = environment("DRAGOMAN_ARI_PASSWORD");
  if (const std::string audio = environment("MONITORING_AUDIO_PATH"); !audio.empty())
    reader.set("paths", "audio", audio, "environment variable MONITORING_AUDIO_PATH", nullptr);
  if (const std::string on = environment("MONITORING_ENABLED"); !on.empty())
    reader.set("monitoring", "enabled", on, "environment variable MONITORING_ENABLED", nullptr);
  if (const std::string name = environment("MONITORING_DB"); !name.empty()) {
    if (const std::string wanted = set_name(&config.store.database, name, "_-."); !wanted.empty())
      throw ConfigError("environment variable MONITORING_DB = " + name + ": not valid; give " +
                        wanted);
  }
  if (const std::string hours = environment("MONITORING_RETENTION_HOURS"); !hours.empty())
    reader.set("monitoring", "retention-hours", hours,
               "environment variable MONITORING_RETENTION_HOURS", nullptr);
}

}  // namespace

Config Config::parse(const std::string& text, const std::string& name,
                     const std::vector<Override>& overrides) {
  Config config;
  config.routes["3333"] = {.extension = "3333", .language = "en", .partner = "4444", .port = 4000};
  config.routes["4444"] = {.extension = "4444", .language = "es", .partner = "3333", .port = 4002};
  if (text.empty() && name.empty()) return config;
  Reader reader(&config, name, text);
  reader.read(text);
  apply_environment(config, reader);
  for (const Override& given : overrides)
    reader.set(given.group, given.key, given.value, given.origin, nullptr);
  if (config.paths.data.empty()) config.paths.data = default_data_folder();
  if (config.paths.audio.empty()) config.paths.audio = config.paths.data + "/audio";
  for (std::string* path : {&config.paths.data, &config.paths.audio, &config.speech.memory})
    if (!path->empty()) *path = absolute(*path);
  if (config.media.first_port > config.media.last_port)
    throw ConfigError(name + ": first-port is above last-port; give the range in order");
  assign_stations(config);
  check_pairs(config, name);
  return config;
}

std::string Config::file_in_use(const std::string& file) {
  if (!file.empty()) return file;
  return g_file_test(kSystemFile, G_FILE_TEST_EXISTS) ? kSystemFile : "";
}

Config Config::load(const std::string& file, const std::vector<Override>& overrides) {
  const std::string path = file_in_use(file);
  if (path.empty()) return parse("", "built-in configuration", overrides);
  g_autofree char* text = nullptr;
  gsize length = 0;
  g_autoptr(GError) error = nullptr;
  if (!g_file_get_contents(path.c_str(), &text, &length, &error))
    throw ConfigError(std::string(error->message) +
                      "; name a readable file with --config (an example: data/dragoman.conf)");
  if (length > kMaxFileBytes) throw ConfigError(path + ": larger than 1 MiB; not a configuration");
  return parse(std::string(text, length), path, overrides);
}

}  // namespace dragoman
