// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/station_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace dragoman {
namespace {

namespace fs = std::filesystem;

class StationFile : public testing::Test {
 protected:
  StationFile() : folder_(fs::temp_directory_path() / ("stations-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~StationFile() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / (name + ".conf")) << text;
  }
  Station read(const std::string& name) { return read_station(folder_ / (name + ".conf")); }
  /// What is said of a file with `text`; empty if it is taken.
  std::string complaint(const std::string& text) {
    write("bad", text);
    try {
      read("bad");
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  static size_t index(const char* key) {
    return static_cast<size_t>(find_parameter(key) - parameters().data());
  }

  fs::path folder_;
};

TEST_F(StationFile, NamesWhatAStationHas) {
  write("St_9", "[station]\nparameters = snr_db; mos\ninterval = 2.5\n");
  const Station station = read("St_9");
  EXPECT_EQ(std::count(station.wanted.begin(), station.wanted.end(), true), 2);
  EXPECT_TRUE(station.wanted[index("snr_db")]);
  EXPECT_TRUE(station.wanted[index("mos")]);
  EXPECT_EQ(station.interval_ns, 2'500'000'000u);
}

TEST_F(StationFile, WithoutAFileAStationHasEverything) {
  const Station station = find_station(folder_, "St_99");
  EXPECT_EQ(std::count(station.wanted.begin(), station.wanted.end(), true), 75);
  EXPECT_EQ(station.interval_ns, kBucketNs);
}

TEST_F(StationFile, SetsItsOwnLimitsAndKeepsTheOthers) {
  write("St_9", "[station]\n[limits snr_db]\nnormal = 25 40\nwarning = 18 -\n");
  const Limits limits = read("St_9").limits[index("snr_db")];
  EXPECT_EQ(limits.normal, (Range{25, 40}));
  EXPECT_EQ(limits.warning.low, 18);
  EXPECT_TRUE(limits.warning.holds(1000));
  EXPECT_EQ(limits.critical, find_parameter("snr_db")->limits.critical);
}

TEST_F(StationFile, MayBeLikeAnother) {
  write("St_1", "[station]\nparameters = mos\n[limits mos]\nnormal = 3 -\n");
  write("St_2", "[station]\nlike = St_1\ninterval = 10\n");
  const Station station = read("St_2");
  EXPECT_EQ(std::count(station.wanted.begin(), station.wanted.end(), true), 1);
  EXPECT_EQ(station.limits[index("mos")].normal.low, 3);
  EXPECT_EQ(station.interval_ns, 10'000'000'000u);
}

TEST_F(StationFile, ABadOneIsRefusedWithFileKeyAndCure) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no group [station]"},
      {"nonsense", "bad.conf"},
      {"[station]\nparameter = mos\n", "[station] parameter: unknown key"},
      {"[station]\nparameters = mos; loudness\n", "unknown parameter 'loudness'"},
      {"[station]\nparameters =\n", "names none"},
      {"[station]\ninterval = 0\n", "'0' is no length"},
      {"[station]\ninterval = soon\n", "'soon' is no length"},
      {"[station]\n[limits snr]\nnormal = 1 2\n", "unknown parameter 'snr'"},
      {"[station]\n[limits mos]\nnormal = 4\n", "'4' is no range"},
      {"[station]\n[limits mos]\nnormal = 4 3\n", "'4 3' is no range"},
      {"[station]\n[limits mos]\nnormal = nan 3\n", "'nan 3' is no range"},
      {"[station]\n[limit mos]\nnormal = 1 2\n", "[limit mos]: unknown group"},
      {"[station]\nlike = St_none\n", "there is no "},
      {"[station]\nlike = bad\n", "in a ring"},
      {"[station]\nlike = ../bad\n", "is no station"},
  };
  for (const auto& [text, part] : cases) {
    EXPECT_NE(complaint(text).find(part), std::string::npos) << complaint(text) << "\nof\n" << text;
  }
}

TEST_F(StationFile, AFigureIsJudgedByTheLimits) {
  const Limits limits{{20, 40}, {15, 50}, {6, 60}};
  EXPECT_EQ(state_of(limits, 20), FigureState::kNormal);
  EXPECT_EQ(state_of(limits, 19.9), FigureState::kUnusual);
  EXPECT_EQ(state_of(limits, 14), FigureState::kWarning);
  EXPECT_EQ(state_of(limits, 61), FigureState::kCritical);
  EXPECT_STREQ(name_of(FigureState::kUnusual), "unusual");
}

}  // namespace
}  // namespace dragoman
