// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration: one file (GKeyFile), environment and options, every key with a default.
// data/dragoman.conf describes each key.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dragoman {

/// What a dialled extension means.
struct Route {
  std::string extension;
  std::string language = "en";  ///< that the caller speaks (BCP 47 primary tag)
  std::string hears;            ///< language the caller hears; empty: the one he speaks
  std::string partner;          ///< extension of the other party; empty: none, only transcribed
  std::string pipeline = "call-translate.pipeline";  ///< a path, or a name
  int port = 0;                    ///< UDP port tried first; 0: the first free one of the range
  double gain_db = 0;              ///< of the audio that is heard from the caller, dB
  std::string station;             ///< of the caller's audio: St_3
  std::string translated_station;  ///< of the translated audio the caller hears: St_5
};

/// A knob's value as the configuration gives it, not yet checked against any registry.
struct KnobSetting {
  enum class Level { kDefault, kStation, kExtension } level = Level::kDefault;
  std::string key;  ///< station or extension; of kDefault empty
  std::string name, value;
  std::string where;  ///< "FILE:LINE"
};

/// A configuration that cannot be used; what() names file, line and cure.
class ConfigError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Config {
  struct Ari {
    std::string url = "http://127.0.0.1:8088/ari";
    std::string application = "dragoman";
    std::string user = "dragoman";
    std::string password;  ///< from DRAGOMAN_ARI_PASSWORD only
    int timeout_ms = 5000;
  } ari;
  struct Media {
    std::string address = "127.0.0.1";  ///< that Asterisk sends audio to
    int first_port = 4000, last_port = 4099;
    std::string format = "slin16";
    int workers = 1;
  } media;
  struct Calls {
    int max_wait_s = 0;  ///< for the other party; 0: for ever
    int linger_s = 5;    ///< a caller stays on the line this long after the other hung up
  } calls;
  struct Paths {
    std::string data, audio;
    std::string pipelines;  ///< folder of pipeline files; empty: where they were installed or built
  } paths;
  struct Speech {
    std::string memory;  ///< the user's own translation memory (TMX); empty: none
  } speech;
  struct Monitoring {
    bool enabled = true;
    int retention_hours = 72;  ///< rows and files that are older go; 0: they stay for ever
    double max_disk_gb = 0;    ///< for journal and WAV files together, 10^9 bytes; 0: no bound
    int min_free_mb = 500;     ///< to be left free on the disk, 2^20 bytes
  } monitoring;
  struct Store {
    std::string postgresql;  ///< libpq connection string without password; empty: see database
    std::string database;    ///< from MONITORING_DB: its name whatever the string says
    /// As monitoring.retention_hours, of the rows there; nothing: the same.
    std::optional<int> retention_hours;
    /// Rows are shipped to PostgreSQL only if one of them is given.
    bool ships() const { return !postgresql.empty() || !database.empty(); }
  } store;
  /// How long rows stay in PostgreSQL; 0: for ever.
  int postgresql_retention_hours() const {
    return store.retention_hours.value_or(monitoring.retention_hours);
  }
  std::map<std::string, Route> routes;  ///< by extension
  std::vector<KnobSetting> knobs;       ///< [knobs], [knobs STATION], knob.… of extensions

  /// The parameters that come from outside the file, as "group.key" → {value, where from}.
  struct Override {
    std::string group, key, value, origin;
  };

  /// Read if no other file is named.
  static constexpr char kSystemFile[] = "/etc/dragoman/dragoman.conf";
  /// The configuration file that load() reads for `file`: itself; if empty the system's where it
  /// exists, else none.
  static std::string file_in_use(const std::string& file);
  /// `file` empty: the system's file if it exists, else the defaults. Environment: `getenv`-like
  /// lookup of DRAGOMAN_ARI_PASSWORD, MONITORING_AUDIO_PATH, MONITORING_ENABLED,
  /// MONITORING_RETENTION_HOURS, XDG_DATA_HOME.
  /// Throws ConfigError.
  static Config load(const std::string& file, const std::vector<Override>& overrides);
  /// The same from text; `name` stands for the file in messages.
  static Config parse(const std::string& text, const std::string& name,
                      const std::vector<Override>& overrides);
};

}  // namespace dragoman
