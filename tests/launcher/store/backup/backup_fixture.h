// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of backup, restore and recovery share.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <sstream>

#include "launcher/store/backup/backup.h"
#include "launcher/store/backup/manifest.h"
#include "launcher/store/backup/prune.h"
#include "launcher/store/backup/verify.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {

inline constexpr int64_t kNoonS = static_cast<int64_t>(kNoon / kSecondNs);

inline void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Every regular file below `folder`: its relative path → mode and content.
inline std::map<std::string, std::string> tree(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    struct stat info {};
    ::stat(entry.path().c_str(), &info);
    files[entry.path().lexically_relative(folder).string()] =
        std::to_string(info.st_mode & 0777) + " " + read_file(entry.path().string());
  }
  return files;
}

/// What a failing call says; empty if it does not fail.
template <typename Call>
std::string complaint(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

/// A system in a folder of its own: data, configuration, pipelines, a translation memory, audio.
class BackupTest : public StoreTest {
 protected:
  BackupTest() {
    write_file(pipelines() + "/call.pipeline", "[pipeline]\ndescription = ñ\n");
    write_file(pipelines() + "/más.pipeline", "[pipeline]\n");
    write_file(pipelines() + "/notes.txt", "no pipeline");
    write_file(place() + "/yours.tmx", "<tmx>password: contraseña</tmx>");
    write_file(place() + "/own/own.pipeline", "[pipeline]\ndescription = mine\n");
    write_file(data() + "/audio/2026-03-01/trace_t1/St_3/PRE/20260301T120005Z.wav", "RIFF one");
    write_file(data() + "/audio/2026-03-01/trace_t1/St_3/POST/20260301T120005Z.wav", "RIFF two");
    write_file(data() + "/audio/2026-03-01/trace_t1/St_3/POST/20260301T120010Z.wav.part", "half");
    write_file(share() + "/stations/St_3.conf", "[station]\nparameters = snr_db\n");
    g_setenv("DRAGOMAN_DATA", share().c_str(), TRUE);
    write_config();
  }
  ~BackupTest() override { g_unsetenv("DRAGOMAN_DATA"); }

  std::string place() const { return folder() + "/system"; }
  std::string data() const { return place() + "/data"; }
  std::string pipelines() const { return place() + "/pipelines"; }
  std::string share() const { return place() + "/share"; }
  std::string config_file() const { return place() + "/dragoman.conf"; }
  std::string backups() const { return folder() + "/backups"; }
  std::string journal_file() const { return journal_path(data()); }

  void write_config(const std::string& more = "") {
    write_file(config_file(), "# our telephone\n[paths]\ndata = " + data() + "\npipelines = " +
                                  pipelines() + "\n[speech]\nmemory = " + place() +
                                  "/yours.tmx\n[extension 7000]\nlanguage = en\n" +
                                  "pipeline = " + place() + "/own/own.pipeline\n" + more);
  }
  void write_rows(uint64_t metrics = 100) {
    auto journal = Journal::open(journal_file());
    journal->append(trace_row());
    for (uint64_t row = 0; row < metrics; ++row) journal->append(metric_row(row));
    for (int clause = 0; clause < 10; ++clause) {
      journal->append(heard_row(clause));
      journal->append(said_row("es", "buenos días", clause));
    }
    journal->append(KnobEventRow{.knob_key = "gain_db", .new_value = "3", .created_at = kNoon});
  }
  BackupResult back_up_now(bool audio = true, int64_t now_s = kNoonS) {
    const Config config = Config::load(config_file(), {});
    return back_up({.config = config,
                    .config_file = config_file(),
                    .directory = backups(),
                    .audio = audio,
                    .now_s = now_s});
  }
};

}  // namespace dragoman
