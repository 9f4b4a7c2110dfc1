#include "tests/netns/lab_fixture.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <utility>

namespace pinhole::netns {
namespace {

constexpr const char* kScript = PINHOLE_SOURCE_DIR "/scripts/netns_lab";
// Every test runs in a network of its own, so one prefix serves all.
constexpr const char* kPrefix = "t";
constexpr Milliseconds kScriptTime{30'000};

}  // namespace

void LabTest::SetUp() {
    if (const char* reason = std::getenv("PINHOLE_LAB_REFUSED")) GTEST_SKIP() << reason;
    root_.emplace();
}

void LabTest::TearDown() {
    if (!root_) return;
    if (HasFailure()) {
        for (const auto& process : processes_) std::cerr << process->log();
        std::cerr << lab({"describe"}).text;
    }
    processes_.clear();
    const Finished down = lab({"down"});
    EXPECT_EQ(down.status, 0) << down.text;
}

void LabTest::build(const std::vector<std::string>& words) {
    std::vector<std::string> command{"up"};
    command.insert(command.end(), words.begin(), words.end());
    const Finished up = lab(std::move(command));
    ASSERT_EQ(up.status, 0) << up.text;
}

Process& LabTest::start(const std::string& where, Launch launch) {
    std::vector<std::string> command{kScript, "exec", "--prefix", kPrefix, where};
    command.insert(command.end(), launch.argv.begin(), launch.argv.end());
    launch.argv = std::move(command);
    processes_.push_back(std::make_unique<Process>(launch));
    return *processes_.back();
}

void LabTest::kill_at_once(Process& process) {
    process.send_signal(SIGKILL);
    ASSERT_EQ(process.wait_for_exit(Milliseconds{5'000}), 128 + SIGKILL);
}

std::unique_ptr<LabSocket> LabTest::socket_in(const std::string& where, const Place& local) const {
    return std::make_unique<LabSocket>(full_name(where), local);
}

std::filesystem::path LabTest::folder(const std::string& name) const {
    const std::filesystem::path path = root_->path() / name;
    std::filesystem::create_directories(path);
    return path;
}

Finished LabTest::lab(std::vector<std::string> words) {
    words.insert(words.begin(), kScript);
    words.insert(words.begin() + 2, {"--prefix", kPrefix});
    Process script{{"netns_lab", std::move(words), {}}};
    script.close_input();
    const int status = script.wait_for_exit(kScriptTime).value_or(-1);
    std::string text;
    for (const Line& line : script.lines()) text += line.text + '\n';
    return {status, std::move(text)};
}

std::string LabTest::full_name(const std::string& where) {
    return kPrefix + where;
}

}  // namespace pinhole::netns
