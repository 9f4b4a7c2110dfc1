#include "tests/vnet/capture.hpp"

namespace pinhole::vnet {

Capture::Capture(std::filesystem::path folder, Duration zero)
    : folder_(std::move(folder)), zero_(zero) {
    std::filesystem::create_directories(folder_);
}

Capture::~Capture() {
    for (Interface* interface : interfaces_) interface->tap({});
    for (lab::NatBox* nat : nats_) {
        nat->uplink().up.tap_entrance({});
        nat->uplink().down.tap_exit({});
    }
}

void Capture::add(Interface& interface) {
    PcapFile& file = file_named(interface.full_name());
    interfaces_.push_back(&interface);
    interface.tap([this, &file](Instant now, Bytes packet) {
        file.add(zero_ + now.time_since_epoch(), packet);
    });
}

void Capture::add(lab::NatBox& nat) {
    PcapFile& file = file_named(nat.name());
    nats_.push_back(&nat);
    const auto tap = [this, &file](Instant now, const lab::Packet& packet) {
        for (const ByteVector& raw : write_pieces(packet, ++last_fragment_id_)) {
            file.add(zero_ + now.time_since_epoch(), raw);
        }
    };
    nat.uplink().up.tap_entrance(tap);
    nat.uplink().down.tap_exit(tap);
}

void Capture::flush() {
    for (PcapFile& file : files_) file.flush();
}

PcapFile& Capture::file_named(const std::string& name) {
    return files_.emplace_back(folder_ / (name + ".pcap"));
}

}  // namespace pinhole::vnet
