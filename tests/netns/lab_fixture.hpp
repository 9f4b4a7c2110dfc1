// The ground that every test in namespaces stands on: a topology of scripts/netns_lab, processes
// inside it, sockets inside it, and a folder of state for each program. All of it goes away with
// the test; a failed test prints what every process said and what the routers hold.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/netns/lab_socket.hpp"
#include "tests/netns/process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pinhole::netns {

// The addresses that scripts/netns_lab draws at its head.
inline constexpr const char* kServerAddress = "198.51.100.10";
inline constexpr const char* kServerAddress6 = "2001:db8:5::10";
inline constexpr const char* kWanA = "192.0.2.10";
inline constexpr const char* kWanB = "203.0.113.10";
inline constexpr const char* kAlice = "192.168.11.2";
inline constexpr const char* kBob = "192.168.12.2";
inline constexpr const char* kBobOnLanA = "192.168.11.3";
inline constexpr const char* kAlice6 = "2001:db8:a:1::2";
inline constexpr const char* kBob6 = "2001:db8:b:1::2";

/// What a finished command said and how it ended; status -1 if it had to be killed.
struct Finished {
    int status = -1;
    std::string text;
};

class LabTest : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    /// Brings up a topology; the words are those of `netns_lab up`, less the prefix. Fails the test
    /// if it cannot.
    void build(const std::vector<std::string>& words);

    /// Starts a program in a namespace (`srv`, `alice`, ...). The process lives until the test
    /// ends or the caller kills it.
    Process& start(const std::string& where, Launch launch);

    /// Kills a process at once, as a power failure would, and waits for its end.
    static void kill_at_once(Process& process);

    [[nodiscard]] std::unique_ptr<LabSocket> socket_in(const std::string& where,
                                                       const Place& local) const;

    /// A folder of that name for the length of the test.
    [[nodiscard]] std::filesystem::path folder(const std::string& name) const;

    /// Runs `netns_lab` with these words and our prefix.
    [[nodiscard]] static Finished lab(std::vector<std::string> words);

    /// The full name of a namespace.
    [[nodiscard]] static std::string full_name(const std::string& where);

  private:
    std::optional<pinhole::test::TemporaryDirectory> root_;
    std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace pinhole::netns
