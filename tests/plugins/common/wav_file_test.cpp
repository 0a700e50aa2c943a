// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/wav_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/plugins/common/temp_folder.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using testing::TempFolder;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

uint32_t word(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

const std::vector<int16_t> kRamp = {0, 1, -1, 1000, -1000, 32767, -32768};

// What a process that is killed in mid-file leaves.
void leave_part_file(const std::string& path, const std::vector<int16_t>& samples) {
  const pid_t child = ::fork();
  if (child == 0) {
    WavWriter writer;
    if (writer.open(path, {}) == 0 && writer.append(samples) == 0) ::raise(SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(WavWriter, writes_a_header_and_the_samples_and_makes_the_folders) {
  TempFolder folder;
  const std::string path = folder / "2026-01-02/trace_x/a.wav";
  WavWriter writer;
  ASSERT_EQ(writer.open(path, {16000, 1}), 0);
  EXPECT_TRUE(fs::exists(path + ".part"));
  EXPECT_FALSE(fs::exists(path));
  ASSERT_EQ(writer.append(kRamp), 0);
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(writer.location(), path);
  EXPECT_FALSE(fs::exists(path + ".part"));

  const std::string bytes = content(path);
  ASSERT_EQ(bytes.size(), 44 + kRamp.size() * 2);
  EXPECT_EQ(bytes.substr(0, 4), "RIFF");
  EXPECT_EQ(word(bytes, 4), bytes.size() - 8);
  EXPECT_EQ(word(bytes, 24), 16000u);
  EXPECT_EQ(word(bytes, 28), 32000u);
  EXPECT_EQ(word(bytes, 40), kRamp.size() * 2);
  EXPECT_EQ(std::memcmp(bytes.data() + 44, kRamp.data(), kRamp.size() * 2), 0);
}

TEST(WavWriter, never_overwrites_a_file_that_is_complete) {
  TempFolder folder;
  for (int i = 0; i < 3; ++i) {
    WavWriter writer;
    ASSERT_EQ(writer.open(folder / "a.wav", {}), 0);
    ASSERT_EQ(writer.append(kRamp), 0);
    ASSERT_EQ(writer.finish(), 0);
  }
  const std::vector<std::string> expected = {folder / "a-2.wav", folder / "a-3.wav",
                                             folder / "a.wav"};
  EXPECT_EQ(folder.files(), expected);
}

TEST(WavWriter, leaves_alone_what_another_process_left_unfinished) {
  TempFolder folder;
  leave_part_file(folder / "a.wav", kRamp);
  WavWriter writer;
  ASSERT_EQ(writer.open(folder / "a.wav", {}), 0);
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(writer.location(), folder / "a-2.wav");
  EXPECT_TRUE(fs::exists(folder / "a.wav.part"));
}

TEST(WavWriter, takes_another_name_when_its_own_is_taken_while_it_writes) {
  TempFolder folder;
  WavWriter writer;
  ASSERT_EQ(writer.open(folder / "a.wav", {}), 0);
  ASSERT_EQ(writer.append(kRamp), 0);
  std::ofstream(folder / "a.wav") << "somebody else's";
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(writer.location(), folder / "a-2.wav");
  EXPECT_EQ(content(folder / "a.wav"), "somebody else's");
}

TEST(WavWriter, says_what_is_wrong_with_the_folder) {
  TempFolder folder;
  std::ofstream(folder / "file") << "x";
  WavWriter writer;
  EXPECT_EQ(writer.open(folder / "file/a.wav", {}), ENOTDIR);
  EXPECT_FALSE(writer.is_open());
}

TEST(WavWriter, leaves_nothing_when_discarded) {
  TempFolder folder;
  {
    WavWriter writer;
    ASSERT_EQ(writer.open(folder / "a.wav", {}), 0);
    ASSERT_EQ(writer.append(kRamp), 0);
  }
  EXPECT_TRUE(folder.files().empty());
}

TEST(SalvagePartFile, completes_what_a_killed_process_left) {
  TempFolder folder;
  leave_part_file(folder / "a.wav", kRamp);
  const SalvageResult result = salvage_part_file(folder / "a.wav.part");
  ASSERT_EQ(result.outcome, SalvageOutcome::kSalvaged) << result.error;
  EXPECT_EQ(result.path, folder / "a.wav");
  EXPECT_EQ(result.frames, kRamp.size());
  EXPECT_EQ(result.format.sample_rate, 16000u);
  const std::string bytes = content(folder / "a.wav");
  EXPECT_EQ(word(bytes, 4), bytes.size() - 8);
  EXPECT_EQ(word(bytes, 40), kRamp.size() * 2);
  EXPECT_FALSE(fs::exists(folder / "a.wav.part"));
}

TEST(SalvagePartFile, cuts_half_a_sample_off) {
  TempFolder folder;
  leave_part_file(folder / "a.wav", kRamp);
  std::ofstream(folder / "a.wav.part", std::ios::app) << 'x';
  const SalvageResult result = salvage_part_file(folder / "a.wav.part");
  ASSERT_EQ(result.outcome, SalvageOutcome::kSalvaged);
  EXPECT_EQ(fs::file_size(folder / "a.wav"), 44 + kRamp.size() * 2);
}

TEST(SalvagePartFile, takes_the_fallback_where_the_header_is_lost) {
  TempFolder folder;
  std::ofstream(folder / "a.wav.part") << std::string(44 + 8, '\0');
  const SalvageResult result = salvage_part_file(folder / "a.wav.part", {8000, 2});
  ASSERT_EQ(result.outcome, SalvageOutcome::kSalvaged);
  EXPECT_EQ(result.frames, 2u);
  EXPECT_EQ(word(content(folder / "a.wav"), 24), 8000u);
}

TEST(SalvagePartFile, leaves_a_file_that_is_being_written) {
  TempFolder folder;
  WavWriter writer;
  ASSERT_EQ(writer.open(folder / "a.wav", {}), 0);
  ASSERT_EQ(writer.append(kRamp), 0);
  EXPECT_EQ(salvage_part_file(folder / "a.wav.part").outcome, SalvageOutcome::kBusy);
  EXPECT_EQ(writer.finish(), 0);
  EXPECT_EQ(fs::file_size(folder / "a.wav"), 44 + kRamp.size() * 2);
}

TEST(SalvagePartFile, removes_a_file_without_a_sample) {
  TempFolder folder;
  leave_part_file(folder / "a.wav", {});
  EXPECT_EQ(salvage_part_file(folder / "a.wav.part").outcome, SalvageOutcome::kEmpty);
  EXPECT_TRUE(folder.files().empty());
}

TEST(SalvagePartFile, does_not_overwrite_a_complete_file) {
  TempFolder folder;
  leave_part_file(folder / "a.wav", kRamp);
  std::ofstream(folder / "a.wav") << "complete";
  EXPECT_EQ(salvage_part_file(folder / "a.wav.part").path, folder / "a-2.wav");
  EXPECT_EQ(content(folder / "a.wav"), "complete");
}

TEST(SalvagePartFile, names_the_file_it_cannot_salvage) {
  const SalvageResult missing = salvage_part_file("/nowhere/a.wav.part");
  EXPECT_EQ(missing.outcome, SalvageOutcome::kFailed);
  EXPECT_NE(missing.error.find("/nowhere/a.wav.part"), std::string::npos);
  EXPECT_EQ(salvage_part_file("/nowhere/a.wav").outcome, SalvageOutcome::kFailed);
}

}  // namespace
}  // namespace dragoman
