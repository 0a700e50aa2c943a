// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/mend.h"

#include <glib.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "launcher/store/iso_time.h"
#include "plugins/common/wav_file.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxProblems = 20, kMaxTold = 1000;
constexpr size_t kRowsPerPage = 1000;
constexpr char kTracePrefix[] = "trace_";
constexpr uint64_t kWavHeaderBytes = 44;

/// The path by which two names of one file are the same.
std::string normal_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return (error ? path : absolute).lexically_normal().string();
}

struct WavInfo {
  int sample_rate = 0, channels = 0;
  uint64_t frames = 0;
};

/// Of a file as wavsegmenter writes it: the canonical 44-byte header, then the samples.
std::optional<WavInfo> read_wav_info(const std::string& path) {
  static_assert(std::endian::native == std::endian::little);
  std::array<char, kWavHeaderBytes> header{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(header.data(), header.size()) || std::memcmp(header.data(), "RIFF", 4) ||
      std::memcmp(header.data() + 8, "WAVEfmt ", 8)) {
    return {};
  }
  uint16_t channels = 0, block = 0;
  uint32_t rate = 0;
  std::memcpy(&channels, header.data() + 22, sizeof channels);
  std::memcpy(&rate, header.data() + 24, sizeof rate);
  std::memcpy(&block, header.data() + 32, sizeof block);
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error || rate == 0 || block == 0 || size < kWavHeaderBytes) return {};
  return WavInfo{static_cast<int>(rate), channels, (size - kWavHeaderBytes) / block};
}

/// The subfolders of `folder`, in order; none if it cannot be read.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::set<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) found.insert(entry->path());
  }
  return {found.begin(), found.end()};
}

/// The folders of each trace, by trace id: a trace over midnight has two.
std::map<std::string, std::vector<fs::path>> find_traces(const std::string& audio_folder,
                                                         const std::optional<std::string>& only) {
  std::map<std::string, std::vector<fs::path>> traces;
  for (const fs::path& day : folders_in(audio_folder)) {
    for (const fs::path& folder : folders_in(day)) {
      const std::string name = folder.filename().string();
      if (!name.starts_with(kTracePrefix)) continue;
      const std::string id = name.substr(std::strlen(kTracePrefix));
      if (!only || id == *only) traces[id].push_back(folder);
    }
  }
  return traces;
}

/// One run over one or all traces.
class Mending {
 public:
  Mending(std::string audio_folder, const std::string& database, Journal& journal,
          const std::atomic<bool>& stop)
      : audio_folder_(normal_path(std::move(audio_folder))),
        database_(database, DatabaseAccess::kReadOnly),
        journal_(journal),
        stop_(stop) {}

  MendResult run(const std::optional<std::string>& only) {
    if (only) {
      count_missing(known_files(*only));
    } else {
      result_.rows_without_file = count_segments(database_, stop_).without_file;
    }
    for (const auto& [trace_id, folders] : find_traces(audio_folder_, only)) {
      if (stop_) break;
      const std::set<std::string> known = known_files(trace_id);
      for (const fs::path& folder : folders) mend_folder(folder, known);
    }
    return std::move(result_);
  }

 private:
  void count_missing(const std::set<std::string>& files) {
    for (const std::string& file : files) {
      if (stop_) return;
      if (::access(file.c_str(), F_OK) != 0) ++result_.rows_without_file;
    }
  }

  std::set<std::string> known_files(const std::string& trace_id) {
    Statement statement =
        database_.prepare("SELECT file_path FROM audio_segments_5s WHERE trace_id = ?");
    statement.bind(1, trace_id);
    std::set<std::string> known;
    while (statement.step()) known.insert(normal_path(statement.text(0)));
    return known;
  }

  void mend_folder(const fs::path& trace_folder, const std::set<std::string>& known) {
    std::set<std::string> parts, files;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(trace_folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string path = entry->path().string();
      if (path.ends_with(kPartSuffix)) parts.insert(path);
      if (path.ends_with(".wav")) files.insert(path);
    }
    if (error) problem(trace_folder.string() + ": " + error.message());
    for (const std::string& part : parts) {
      if (stop_) return;
      salvage(part, files);
    }
    for (const std::string& file : files) {
      if (stop_) return;
      ++result_.files;
      if (!known.contains(normal_path(file))) add_row(file);
    }
  }

  void salvage(const std::string& part, std::set<std::string>& files) {
    const SalvageResult salvaged = salvage_part_file(part);
    switch (salvaged.outcome) {
      case SalvageOutcome::kSalvaged:
        ++result_.salvaged;
        files.insert(salvaged.path);
        break;
      case SalvageOutcome::kBusy:
        ++result_.being_written;
        break;
      case SalvageOutcome::kFailed:
        problem(salvaged.error);
        break;
      case SalvageOutcome::kEmpty:
        break;
    }
  }

  void add_row(const std::string& file) {
    const std::optional<SegmentPath> path = parse_segment_path(audio_folder_, file);
    if (!path) return problem(file + ": not named as a segment is");
    const std::optional<WavInfo> info = read_wav_info(file);
    if (!info) return problem(file + ": no whole WAV file");
    SegmentRow row;
    row.trace_id = path->trace_id;
    row.station_key = path->station_key;
    row.tap = path->tap;
    row.bucket_ts = path->bucket_ts;
    row.bucket_ms =
        static_cast<int>((info->frames * 1000 + static_cast<uint64_t>(info->sample_rate) / 2) /
                         static_cast<uint64_t>(info->sample_rate));
    row.sample_rate_hz = info->sample_rate;
    row.channels = info->channels;
    row.file_path = file;
    journal_.append(std::move(row));
    ++result_.rows_added;
  }

  void problem(std::string text) {
    if (result_.problems.size() < kMaxProblems) result_.problems.push_back(std::move(text));
  }

  const std::string audio_folder_;
  Database database_;
  Journal& journal_;
  const std::atomic<bool>& stop_;
  MendResult result_;
};

}  // namespace

std::optional<SegmentPath> parse_segment_path(const std::string& audio_folder,
                                              const std::string& path) {
  static const std::regex pattern(R"(\d{4}-\d\d-\d\d/trace_([^/]+)/([^/]+)/([^/]+)/)"
                                  R"((\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(-\d+)?\.wav)");
  const std::string relative =
      fs::path(normal_path(path)).lexically_relative(normal_path(audio_folder)).string();
  std::smatch match;
  if (!std::regex_match(relative, match, pattern)) return {};
  const std::string time = match[4].str() + "-" + match[5].str() + "-" + match[6].str() + "T" +
                           match[7].str() + ":" + match[8].str() + ":" + match[9].str() + "Z";
  const std::optional<uint64_t> bucket_ts = parse_iso_time(time);
  if (!bucket_ts) return {};
  return SegmentPath{match[1], match[2], match[3], *bucket_ts};
}

std::deque<std::string> oldest_segments(const std::string& audio_folder, size_t most,
                                        const std::atomic<bool>& stop) {
  std::deque<std::string> found;
  for (const fs::path& day : folders_in(audio_folder)) {
    std::set<std::pair<std::string, std::string>>
        oldest;  // names, which begin with the time; paths
    std::error_code error;
    fs::recursive_directory_iterator entry(day, fs::directory_options::skip_permission_denied,
                                           error);
    for (const fs::recursive_directory_iterator end; !error && entry != end;
         entry.increment(error)) {
      if (stop) return {};
      std::pair file(entry->path().filename().string(), entry->path().string());
      const bool full = oldest.size() == most - found.size();
      if ((full && *oldest.rbegin() < file) || !parse_segment_path(audio_folder, file.second))
        continue;
      if (full) oldest.erase(std::prev(oldest.end()));
      oldest.insert(std::move(file));
    }
    for (const auto& [name, path] : oldest) found.push_back(path);
    if (found.size() >= most) break;
  }
  return found;
}

SegmentCount count_segments(Database& database, const std::atomic<bool>& stop) {
  Statement page = database.prepare(
      "SELECT rowid, file_path FROM audio_segments_5s WHERE rowid > ? ORDER BY rowid LIMIT ?");
  SegmentCount count;
  std::vector<std::string> files(kRowsPerPage);
  for (int64_t last = 0; files.size() == kRowsPerPage && !stop;) {
    files.clear();
    page.bind(1, last);
    page.bind(2, int64_t{kRowsPerPage});
    while (page.step()) {
      last = page.number(0);
      files.push_back(page.text(1));
    }
    page.reset();
    for (const std::string& file : files) {
      if (stop) break;
      ++count.rows;
      if (::access(file.c_str(), F_OK) != 0) ++count.without_file;
    }
  }
  return count;
}

MendResult mend_segments(const std::string& audio_folder,
                         const std::optional<std::string>& trace_id, const std::string& database,
                         Journal& journal, const std::atomic<bool>& stop) {
  journal.flush();  // what is queued has its row as good as written
  MendResult result = Mending(audio_folder, database, journal, stop).run(trace_id);
  if (result.rows_added) journal.flush();
  return result;
}

Mender::Mender(std::string audio_folder, std::string database, Journal& journal)
    : audio_folder_(std::move(audio_folder)),
      database_(std::move(database)),
      journal_(journal),
      thread_([this] { run(); }) {}

Mender::~Mender() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Mender::mend(std::optional<std::string> trace_id, Done done) {
  {
    std::lock_guard lock(mutex_);
    requests_.push_back({std::move(trace_id), std::move(done)});
  }
  wake_.notify_one();
}

void Mender::run() {
  pthread_setname_np(pthread_self(), "mender");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !requests_.empty(); });
    if (stopping_) return;
    const Request request = std::move(requests_.front());
    requests_.pop_front();
    lock.unlock();
    carry_out(request);
    lock.lock();
  }
}

void Mender::carry_out(const Request& request) {
  const std::string what = request.trace_id ? "trace " + *request.trace_id : "all traces";
  MendResult result;
  try {
    result = mend_segments(audio_folder_, request.trace_id, database_, journal_, stopping_);
  } catch (const std::exception& error) {
    result.problems.push_back("journal '" + database_ + "': " + error.what());
  }
  if (result.rows_added || result.salvaged) {
    g_message("%s: %" G_GUINT64_FORMAT " WAV files were completed, %" G_GUINT64_FORMAT
              " got their missing row",
              what.c_str(), result.salvaged, result.rows_added);
  }
  if (result.rows_without_file) {
    g_info("%s: the files of %" G_GUINT64_FORMAT " rows are gone", what.c_str(),
           result.rows_without_file);
  }
  for (const std::string& problem : result.problems) {
    // Once: what cannot be mended is met again at every look.
    if (told_.size() < kMaxTold && told_.insert(problem).second) g_warning("%s", problem.c_str());
  }
  if (request.done) request.done(result);
}

}  // namespace dragoman
