// platform/: files, locks, and reads that can be cancelled.
#include "platform/platform.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <thread>

#include "support/temporary_folder.hpp"
#include "support/text_files.hpp"

using namespace std::chrono_literals;

TEST_CASE("a file is written at its end and in the middle, cut, and read", "[platform]") {
    const cvt_test::temporary_folder folder;
    const std::string path = folder / "f";
    {
        const app::file f{path, app::file::mode::append};
        REQUIRE(f);
        CHECK(f.append("hello world"));
        CHECK(f.size() == 11U);
        char two[2];
        CHECK(f.read_at(6, two, 2) == 2);
        CHECK(std::string(two, 2) == "wo");
        CHECK(f.read_at(11, two, 2) == 0);
        CHECK(f.truncate(5));
        CHECK(f.sync());
    }
    const app::file g{path, app::file::mode::write};
    CHECK(g.write_at(1, "EL", 2));
    CHECK(cvt_test::read_file(path) == "hELlo");
    CHECK_FALSE(app::file{folder / "missing/f", app::file::mode::write});
}

TEST_CASE("a locked file cannot be locked through a second descriptor", "[platform]") {
    const cvt_test::temporary_folder folder;
    const std::string path = folder / "f";
    const app::file first{path, app::file::mode::append}, second{path, app::file::mode::append};
    CHECK(first.lock() == app::file::lock_result::done);
    CHECK(second.lock() == app::file::lock_result::taken);
}

TEST_CASE("a read that waits for a pipe sets `starved`, and ends when it is cancelled", "[platform]") {
    const cvt_test::temporary_folder folder;
    const std::string path = folder / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    app::read_control control;
    const app::file reader{path, app::file::mode::read};
    const app::file writer{path, app::file::mode::append_only};  // has a reader, so opening does not wait
    REQUIRE(writer);
    std::ptrdiff_t got = 0;
    int reason = 0;
    std::thread waits{[&] {
        char byte;
        got = reader.read(&byte, 1, control);
        reason = errno;
    }};
    while (!control.starved) std::this_thread::sleep_for(1ms);
    control.cancelled = true;
    waits.join();
    CHECK(got == -1);
    CHECK(reason == EINTR);
    control.cancelled = false;
    CHECK(writer.append("x"));
    char byte = 0;
    CHECK(reader.read(&byte, 1, control) == 1);
    CHECK(byte == 'x');
    CHECK_FALSE(control.starved);
}
