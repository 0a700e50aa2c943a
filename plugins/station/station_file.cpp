// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/station_file.h"

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kStationGroup[] = "station", kLimitsGroup[] = "limits ";
constexpr double kLeastInterval = 0.1, kGreatestInterval = 86400;
constexpr int kMostAncestors = 8;

struct KeyFileFree {
  void operator()(GKeyFile* file) const { g_key_file_free(file); }
};

/// One file while it is read; every complaint names it.
class Reader {
 public:
  Reader(fs::path path, int depth) : path_(std::move(path)), depth_(depth) {}

  Station read() {
    g_autoptr(GError) error = nullptr;
    if (!g_key_file_load_from_file(file_.get(), path_.c_str(), G_KEY_FILE_NONE, &error))
      fail("", error->message);
    if (!g_key_file_has_group(file_.get(), kStationGroup))
      fail("", "there is no group [station]; begin the file with it");
    Station station = ancestor();
    station.description = text(kStationGroup, "description").value_or(station.description);
    read_keys(kStationGroup, {"description", "like", "parameters", "interval"});
    if (const auto value = text(kStationGroup, "interval")) station.interval_ns = interval(*value);
    if (const auto value = text(kStationGroup, "parameters")) read_parameters(*value, station);
    read_limits(station);
    return station;
  }

 private:
  [[noreturn]] void fail(const std::string& place, const std::string& what) const {
    throw std::runtime_error(path_.string() + ": " + (place.empty() ? "" : place + ": ") + what);
  }

  std::optional<std::string> text(const std::string& group, const char* key) const {
    g_autofree char* value = g_key_file_get_string(file_.get(), group.c_str(), key, nullptr);
    if (!value) return std::nullopt;
    return std::string(g_strstrip(value));
  }

  void read_keys(const std::string& group, std::initializer_list<std::string_view> known) const {
    g_auto(GStrv) keys = g_key_file_get_keys(file_.get(), group.c_str(), nullptr, nullptr);
    for (char** key = keys; key && *key; ++key) {
      if (std::ranges::find(known, std::string_view(*key)) != known.end()) continue;
      std::string names;
      for (const std::string_view name : known)
        names += (names.empty() ? "" : ", ") + std::string(name);
      fail("[" + group + "] " + *key, "unknown key; there are " + names);
    }
  }

  Station ancestor() const {
    const auto like = text(kStationGroup, "like");
    if (!like) return {};
    if (like->find('/') != std::string::npos || like->empty())
      fail("[station] like", "'" + *like + "' is no station; give the name of one, such as St_3");
    if (depth_ >= kMostAncestors)
      fail("[station] like", "stations are like each other in a ring; end it");
    const fs::path other = path_.parent_path() / (*like + ".conf");
    std::error_code error;
    if (!fs::exists(other, error))
      fail("[station] like", "there is no " + other.string() + "; write it, or name another");
    return Reader(other, depth_ + 1).read();
  }

  uint64_t interval(const std::string& value) const {
    const std::optional<double> seconds = number(value);
    if (!seconds || !(*seconds >= kLeastInterval && *seconds <= kGreatestInterval))
      fail("[station] interval",
           "'" + value + "' is no length of a bucket; give seconds, 0.1 to 86400");
    return static_cast<uint64_t>(std::llround(*seconds * 1e9));
  }

  static std::optional<double> number(const std::string& text) {
    char* end = nullptr;
    const double value = g_ascii_strtod(text.c_str(), &end);
    if (text.empty() || *end || !std::isfinite(value)) return std::nullopt;
    return value;
  }

  size_t index_of(const std::string& place, const std::string& key) const {
    const Parameter* parameter = find_parameter(key);
    if (!parameter)
      fail(place, "unknown parameter '" + key + "'; 'dragoman parameters' lists them");
    return static_cast<size_t>(parameter - parameters().data());
  }

  void read_parameters(const std::string& value, Station& station) const {
    const bool all = value == "all";
    station.wanted.assign(parameters().size(), all);
    if (all) return;
    g_auto(GStrv) keys = g_strsplit_set(value.c_str(), ";, \t", -1);
    for (char** key = keys; *key; ++key)
      if (**key) station.wanted[index_of("[station] parameters", *key)] = true;
    if (std::ranges::find(station.wanted, true) == station.wanted.end())
      fail("[station] parameters", "names none; give keys separated by ';', or: all");
  }

  Range range(const std::string& place, const std::string& value) const {
    g_auto(GStrv) ends = g_strsplit_set(value.c_str(), " \t", -1);
    std::vector<std::string> given;
    for (char** end = ends; *end; ++end)
      if (**end) given.emplace_back(*end);
    Range range;
    bool good = given.size() == 2;
    for (size_t i = 0; good && i < 2; ++i) {
      if (given[i] == "-") continue;
      const std::optional<double> limit = number(given[i]);
      good = limit.has_value();
      if (good) (i ? range.high : range.low) = *limit;
    }
    if (!good || range.low > range.high)
      fail(place, "'" + value + "' is no range; give its low and high end, - where there is none");
    return range;
  }

  void read_limits(Station& station) const {
    g_auto(GStrv) groups = g_key_file_get_groups(file_.get(), nullptr);
    for (char** name = groups; *name; ++name) {
      const std::string group = *name;
      if (group == kStationGroup) continue;
      const std::string place = "[" + group + "]";
      if (!group.starts_with(kLimitsGroup))
        fail(place, "unknown group; there are [station] and [limits PARAMETER]");
      Limits& limits = station.limits[index_of(place, group.substr(sizeof kLimitsGroup - 1))];
      read_keys(group, {"normal", "warning", "critical"});
      const auto read = [&](const char* key, Range& into) {
        if (const auto value = text(group, key)) into = range(place + " " + key, *value);
      };
      read("normal", limits.normal);
      read("warning", limits.warning);
      read("critical", limits.critical);
    }
  }

  fs::path path_;
  int depth_;
  std::unique_ptr<GKeyFile, KeyFileFree> file_{g_key_file_new()};
};

}  // namespace

Station::Station() : wanted(parameters().size(), true) {
  limits.reserve(parameters().size());
  for (const Parameter& parameter : parameters()) limits.push_back(parameter.limits);
}

Station read_station(const fs::path& file) { return Reader(file, 0).read(); }

Station find_station(const fs::path& folder, const std::string& name) {
  const fs::path file = folder / (name + ".conf");
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  return read_station(file);
}

FigureState state_of(const Limits& limits, double figure) {
  if (!limits.critical.holds(figure)) return FigureState::kCritical;
  if (!limits.warning.holds(figure)) return FigureState::kWarning;
  return limits.normal.holds(figure) ? FigureState::kNormal : FigureState::kUnusual;
}

const char* name_of(FigureState state) {
  constexpr const char* kNames[] = {"normal", "unusual", "warning", "critical"};
  return kNames[static_cast<int>(state)];
}

}  // namespace dragoman
