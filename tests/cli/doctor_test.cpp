// The verb doctor on this machine's loopback. What it finds depends on the machine, so the tests
// look at what does not.
#include <csignal>

#include <gmock/gmock.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class DoctorVerb : public ProgramsTest {
  protected:
    Process& doctor(std::vector<std::string> words) {
        words.insert(words.begin(), {"doctor", "--id", "bob", "--via", via()});
        return run_peer("bob", std::move(words));
    }

    /// The one report among the events.
    static Json report_of(const Process& process) {
        for (const std::string& line : lines_of(process, Stream::kOut)) {
            const Json event = Json::parse(line, nullptr, false);
            if (event.is_object() && event["event"] == "doctor") return event;
        }
        return {};
    }
};

TEST_F(DoctorVerb, ReportsOnThisNetworkForPeople) {
    start_rendezvous();
    Process& bob = doctor({});
    EXPECT_EQ(status_of(bob), 0);
    const auto lines = lines_of(bob, Stream::kOut);
    EXPECT_THAT(lines, Contains(StartsWith("  rendezvous    " + via() + ", ")));
    EXPECT_THAT(lines, Contains(StartsWith("  seen there    127.0.0.1:")));
    EXPECT_THAT(lines, Contains(StartsWith("  IPv6 ")));
    for (const std::string& line : lines) {
        EXPECT_LE(line.size(), 80U) << line;
        EXPECT_THAT(line, Not(HasSubstr("\x1b"))) << "no colour in a pipe";
    }
}

TEST_F(DoctorVerb, ReportsForMachines) {
    start_rendezvous();
    Process& bob = doctor({"--json"});
    EXPECT_EQ(status_of(bob), 0);
    const Json report = report_of(bob);
    ASSERT_TRUE(report.is_object());
    EXPECT_EQ(report["id"], "bob");
    EXPECT_EQ(report["rendezvous"]["answers"], true);
    EXPECT_EQ(report["rendezvous"]["transport"], "udp");
    EXPECT_TRUE(report["nat"]["class"].is_string());
    EXPECT_TRUE(report["advice"].is_array());
    EXPECT_FALSE(report.contains("pair"));
}

TEST_F(DoctorVerb, SaysHowAPeerIsReachedAndWhy) {
    start_rendezvous();
    Process& alice = start_chat("alice", {});
    ASSERT_TRUE(says(alice, Stream::kErr, "rendezvous ok"));
    Process& bob = doctor({"--json", "alice"});
    const int status = status_of(bob);
    const Json report = report_of(bob);
    ASSERT_TRUE(report.is_object());
    const Json& pair = report["pair"];
    EXPECT_EQ(pair["peer"], "alice");
    EXPECT_EQ(pair["connected"], true);
    EXPECT_EQ(status, pair["path"] == "direct" ? 0 : 5) << pair;
    EXPECT_TRUE(pair["why"].is_string());
    EXPECT_THAT(lines_of(alice, Stream::kOut), IsEmpty()) << "it says nothing to her";
}

TEST_F(DoctorVerb, OfflinePeerIs4WithTheReportAllTheSame) {
    start_rendezvous();
    Process& bob = doctor({"nobody"});
    EXPECT_EQ(status_of(bob), 4);
    EXPECT_TRUE(says(bob, Stream::kErr, "nobody is not online"));
    EXPECT_TRUE(says(bob, Stream::kOut, "nobody: not reached"));
    EXPECT_TRUE(says(bob, Stream::kOut, "  seen there    127.0.0.1:"));
}

TEST_F(DoctorVerb, SilentRendezvousIs3WithAdvice) {
    Process& bob = doctor({});
    EXPECT_EQ(status_of(bob), 3);
    EXPECT_TRUE(says(bob, Stream::kOut, "no answer"));
    EXPECT_TRUE(says(bob, Stream::kOut, "advice"));
    EXPECT_TRUE(says(bob, Stream::kErr, "did not answer"));
}

TEST_F(DoctorVerb, ControlCShowsWhatIsKnownSoFar) {
    start_rendezvous();
    Process& bob =
        start_peer("bob", {"doctor", "--id", "bob", "--via", via(), "--json", "--lifetime"});
    ASSERT_TRUE(says(bob, Stream::kErr, "up to four minutes"));
    bob.send_signal(SIGINT);
    EXPECT_EQ(status_of(bob), 130);
    EXPECT_TRUE(report_of(bob).is_object());
}

}  // namespace
}  // namespace pinhole::cli
