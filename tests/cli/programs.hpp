// A rendezvous and peers on loopback, each with a folder of state of its own. All of it goes away
// with the test; a failed test prints what every program said.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/netns/process.hpp"
#include "tests/support/reserved_ports.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pinhole::cli {

using Json = nlohmann::json;
using netns::Line;
using netns::Milliseconds;
using netns::Process;
using netns::Stream;

/// Far longer than anything takes on a machine with nothing else to do.
inline constexpr Milliseconds kPatience{40'000};

class ProgramsTest : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    /// Starts a rendezvous on our pair of ports, the same for all of a test.
    Process& start_rendezvous(const std::string& state = "rendezvous");
    /// Starts a peer whose state is kept under the name `state`.
    Process& start_peer(const std::string& state, std::vector<std::string> words);
    /// Starts any program with the state and the home of such a peer.
    Process& start_program(const std::string& state, std::vector<std::string> argv);
    /// `start_peer` with `--id state --via` our rendezvous in front.
    Process& start_chat(const std::string& id, const std::vector<std::string>& words);

    /// Runs a peer to its end with nothing on its standard input.
    Process& run_peer(const std::string& state, std::vector<std::string> words);

    /// Waits for the end; -1 when it does not come.
    static int status_of(Process& process);
    /// A line of that stream that holds `text`.
    static ::testing::AssertionResult says(Process& process, Stream stream,
                                           const std::string& text);
    static ::testing::AssertionResult tells(Process& process, const Json& fields);
    /// All lines of one stream so far.
    static std::vector<std::string> lines_of(const Process& process, Stream stream);

    [[nodiscard]] std::filesystem::path folder(const std::string& name) const;
    /// 127.0.0.1 and the rendezvous's port.
    [[nodiscard]] const std::string& via() const { return via_; }
    [[nodiscard]] static std::string program(const char* variable);

  private:
    const pinhole::test::TemporaryDirectory root_;
    /// A rendezvous has two neighbours.
    const pinhole::test::ReservedPorts ports_{2};
    std::string via_;
    std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace pinhole::cli
