#include "tests/vnet/capture.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "shared/base/cursor.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/vnet/control.hpp"

namespace pinhole::vnet {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr std::string_view kHome =
    "core hops=3\n"
    "host srv at inet ip=198.51.100.10 delay=5ms\n"
    "nat home at inet wan=192.0.2.1 lan=192.168.1.1/24 delay=10ms\n"
    "host alice at home delay=5ms\n"
    "also alice at inet ip=192.0.2.77\n";
const Endpoint kServer = lab::endpoint("198.51.100.10:3478");
const Endpoint kAlice = lab::endpoint("192.168.1.2:40000");
const Endpoint kMapped = lab::endpoint("192.0.2.1:40000");

struct Record {
    Duration at{0};
    ByteVector packet;
};

ByteVector bytes_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    EXPECT_TRUE(file) << path;
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return to_vector(as_bytes(text));
}

/// A reader of its own, straight from the format's description.
std::vector<Record> records_of(const std::filesystem::path& path) {
    const ByteVector raw = bytes_of(path);
    Reader reader{raw};
    EXPECT_EQ(reader.u32(), 0xa1b2c3d4U);
    EXPECT_EQ(reader.u16(), 2);
    EXPECT_EQ(reader.u16(), 4);
    reader.skip(12);
    EXPECT_EQ(reader.u32(), 101U) << "raw IP";
    std::vector<Record> out;
    while (reader.remaining() > 0) {
        Record record;
        const std::uint32_t seconds = reader.u32();
        const std::uint32_t rest = reader.u32();
        EXPECT_LT(rest, 1'000'000U);
        record.at = std::chrono::seconds{seconds} + Duration{rest};
        const std::uint32_t kept = reader.u32();
        EXPECT_EQ(reader.u32(), kept) << "nothing is cut off";
        record.packet = to_vector(reader.take(kept));
        if (!reader.ok()) {
            ADD_FAILURE() << path << " ends in the middle of a record";
            break;
        }
        out.push_back(std::move(record));
    }
    return out;
}

class CaptureTest : public ::testing::Test {
  protected:
    void send_from_alice(std::byte content) {
        network_.interface_named("alice")->send(
            network_.now(),
            write_ip({.source = kAlice, .destination = kServer, .payload = {content}}));
        network_.run_until(network_.now() + 1s);
    }

    const test::TemporaryDirectory directory_;
    const std::filesystem::path& folder_ = directory_.path();
    Network network_{parse_topology(kHome), 1};
};

TEST_F(CaptureTest, EveryInterfaceHasAFileWithWhatPassedItAndWhen) {
    network_.set_zero(1'700'000'000s);
    network_.capture_to(folder_ / "made");
    send_from_alice(std::byte{1});
    network_.interface_named("srv")->send(
        network_.now(), write_ip({.source = kServer, .destination = kMapped, .payload = {}}));
    network_.run_until(network_.now() + 1s);
    network_.flush_capture();

    struct Expectation {
        const char* file;
        Endpoint alice;
        Duration asked;
        Duration answered;
    };
    for (const auto& [file, alice, asked, answered] :
         {Expectation{"alice.pcap", kAlice, 0ms, 1020ms},
          Expectation{"home.pcap", kMapped, 5ms, 1015ms},
          Expectation{"srv.pcap", kMapped, 20ms, 1000ms}}) {
        SCOPED_TRACE(file);
        const auto records = records_of(folder_ / "made" / file);
        ASSERT_EQ(records.size(), 2U);
        const auto request = parse_ip(records[0].packet);
        const auto answer = parse_ip(records[1].packet);
        ASSERT_TRUE(request && answer);
        EXPECT_EQ(request->source, alice);
        EXPECT_EQ(request->destination, kServer);
        EXPECT_THAT(request->payload, ElementsAre(std::byte{1}));
        EXPECT_EQ(answer->destination, alice);
        EXPECT_EQ(records[0].at, 1'700'000'000s + asked);
        EXPECT_EQ(records[1].at, 1'700'000'000s + answered);
    }
    EXPECT_TRUE(records_of(folder_ / "made/alice.1.pcap").empty());
}

TEST_F(CaptureTest, MachinesFileHasWhatNobodyTookFromIt) {
    network_.capture_to(folder_);
    const ByteVector junk(3, std::byte{0xff});
    network_.interface_named("alice")->send(network_.now(), junk);
    network_.stop_capture();
    const auto records = records_of(folder_ / "alice.pcap");
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].packet, junk);
}

TEST_F(CaptureTest, NatsFileHasWhatItsUplinkLost) {
    EXPECT_EQ(execute(network_, "set home up.loss=1"), "ok");
    network_.capture_to(folder_);
    send_from_alice(std::byte{1});
    network_.stop_capture();
    EXPECT_EQ(records_of(folder_ / "home.pcap").size(), 1U);
    EXPECT_TRUE(records_of(folder_ / "srv.pcap").empty());
}

TEST_F(CaptureTest, CommandsBeginAndEndIt) {
    EXPECT_THAT(execute(network_, "pcap"), StartsWith("error: "));
    EXPECT_THAT(execute(network_, "pcap /proc/no/such"), StartsWith("error: "));
    send_from_alice(std::byte{1});
    EXPECT_EQ(execute(network_, "pcap " + folder_.string()), "ok");
    send_from_alice(std::byte{2});
    EXPECT_EQ(execute(network_, "pcap off"), "ok");
    send_from_alice(std::byte{3});
    for (const char* file : {"alice.pcap", "home.pcap", "srv.pcap"}) {
        const auto records = records_of(folder_ / file);
        ASSERT_EQ(records.size(), 1U) << file;
        EXPECT_EQ(records[0].packet.back(), std::byte{2});
    }
}

TEST_F(CaptureTest, FileStopsGrowingAtItsBound) {
    const std::filesystem::path path = folder_ / "small.pcap";
    {
        PcapFile file{path, 24 + 2 * (16 + 100) + 50};
        for (const std::size_t size : {100U, 100U, 100U, 1U}) file.add(1s, ByteVector(size));
    }
    EXPECT_EQ(records_of(path).size(), 2U) << "and none after the first that did not fit";
}

}  // namespace
}  // namespace pinhole::vnet
