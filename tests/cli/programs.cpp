#include "tests/cli/programs.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <system_error>

#include <fmt/format.h>

#include "tests/netns/json_line.hpp"

namespace pinhole::cli {

void ProgramsTest::SetUp() {
    std::signal(SIGPIPE, SIG_IGN);
    ASSERT_FALSE(program("PINHOLE_PEER").empty() || program("PINHOLE_RENDEZVOUS").empty())
        << "PINHOLE_PEER and PINHOLE_RENDEZVOUS must name the programs; ctest sets them";
    via_ = fmt::format("127.0.0.1:{}", ports_.first());
}

void ProgramsTest::TearDown() {
    if (HasFailure()) {
        for (const auto& process : processes_) std::cerr << process->log();
    }
    processes_.clear();
}

std::string ProgramsTest::program(const char* variable) {
    const char* const value = std::getenv(variable);
    return value == nullptr ? std::string{} : std::string{value};
}

std::filesystem::path ProgramsTest::folder(const std::string& name) const {
    const std::filesystem::path path = root_.path() / name;
    std::filesystem::create_directories(path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

Process& ProgramsTest::start_rendezvous(const std::string& state) {
    processes_.push_back(std::make_unique<Process>(
        netns::Launch{"rendezvous",
                      {program("PINHOLE_RENDEZVOUS"), "--bind", via_, "--state-dir", folder(state)},
                      {"HOME=" + root_.path().string()}}));
    Process& process = *processes_.back();
    EXPECT_TRUE(process.wait_for_line(
        [](const Line& line) { return line.text.find("listening on udp") != std::string::npos; },
        kPatience))
        << "the rendezvous does not say that it listens";
    return process;
}

Process& ProgramsTest::start_peer(const std::string& state, std::vector<std::string> words) {
    words.insert(words.begin(), program("PINHOLE_PEER"));
    return start_program(state, std::move(words));
}

Process& ProgramsTest::start_program(const std::string& state, std::vector<std::string> argv) {
    const std::string home = folder(state);
    processes_.push_back(std::make_unique<Process>(
        netns::Launch{state,
                      std::move(argv),
                      {"HOME=" + home, "XDG_STATE_HOME=" + home, "XDG_RUNTIME_DIR=" + home}}));
    return *processes_.back();
}

Process& ProgramsTest::start_chat(const std::string& id, const std::vector<std::string>& words) {
    std::vector<std::string> all{"--id", id, "--via", via_};
    all.insert(all.end(), words.begin(), words.end());
    return start_peer(id, std::move(all));
}

Process& ProgramsTest::run_peer(const std::string& state, std::vector<std::string> words) {
    Process& process = start_peer(state, std::move(words));
    process.close_input();
    static_cast<void>(process.wait_for_exit(kPatience));
    return process;
}

int ProgramsTest::status_of(Process& process) {
    return process.wait_for_exit(kPatience).value_or(-1);
}

::testing::AssertionResult ProgramsTest::says(Process& process, Stream stream,
                                              const std::string& text) {
    const auto line = process.wait_for_line(
        [&](const Line& candidate) {
            return candidate.stream == stream && candidate.text.find(text) != std::string::npos;
        },
        kPatience);
    if (line) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << process.name() << " does not say: " << text;
}

::testing::AssertionResult ProgramsTest::tells(Process& process, const Json& fields) {
    const auto line = process.wait_for_line(
        [&](const Line& candidate) { return netns::has_fields(candidate, fields); }, kPatience);
    if (line) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << process.name() << " does not tell: " << fields;
}

std::vector<std::string> ProgramsTest::lines_of(const Process& process, Stream stream) {
    std::vector<std::string> out;
    for (const Line& line : process.lines()) {
        if (line.stream == stream) out.push_back(line.text);
    }
    return out;
}

}  // namespace pinhole::cli
