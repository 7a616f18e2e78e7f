// Colours and a progress bar, which appear only on terminals and can be switched off.
#include <poll.h>
#include <pty.h>

#include <optional>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

struct environment {
    const char *term = "xterm", *no_color = nullptr;
    int columns = 80;
};

/// Returns everything that classify writes to a terminal as its standard streams; standard output may be a file.
std::string on_terminal(const std::vector<std::string>& arguments, const environment& e = {}, const std::string& output = {}) {
    int terminal = -1;
    winsize size{};
    size.ws_row = 24;
    size.ws_col = static_cast<unsigned short>(e.columns);
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
    REQUIRE(child >= 0);
    if (child == 0) {
        ::setenv("TERM", e.term, 1);
        ::unsetenv("NO_COLOR");
        if (e.no_color != nullptr) ::setenv("NO_COLOR", e.no_color, 1);
        if (!output.empty()) ::dup2(::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), 1);
        become_classify(arguments);
    }
    std::string text;
    char block[4096];
    for (ssize_t n = 0; (n = ::read(terminal, block, sizeof block)) > 0;) text.append(block, static_cast<std::size_t>(n));  // ends in EIO
    ::close(terminal);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    return text;
}

bool coloured(const std::string& text) { return text.find("\x1b[0m") != std::string::npos; }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> photos(const temporary_folder& folder) {
    std::filesystem::create_directories(folder / "church");
    for (int i = 0; i < 60; ++i)
        std::filesystem::create_symlink(CVT_IMAGES "/berlin_cathedral.jpg", folder / ("church/" + std::to_string(i) + ".jpg"));
    return {"--top-k", "1", folder / "church"};
}

// The length of the longest line drawn.
std::size_t longest_drawing(const std::string& text) {
    std::size_t longest = 0;
    for (std::size_t at = 0; (at = text.find("\r\x1b[K", at)) != std::string::npos;) {
        at += 4;
        longest = std::max(longest, std::min(text.find_first_of("\r\n", at), text.size()) - at);
    }
    return longest;
}

}  // namespace

TEST_CASE("records have colours only on a terminal", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), missing = folder / "missing.png";
    const std::string text = on_terminal({photo, missing});
    CHECK(contains(text, "\x1b[1m" + photo + "\x1b[0m"));
    CHECK(contains(text, "\x1b[32m"));
    CHECK(contains(text, "\x1b[31merror:\x1b[0m"));
    CHECK(contains(text, "the built-in model knows only 219 classes"));

    for (const environment& e : {environment{"dumb", nullptr, 80}, environment{"", nullptr, 80}, environment{"xterm", "1", 80}})
        CHECK_FALSE(coloured(on_terminal({photo, missing}, e)));
    CHECK(contains(on_terminal({photo}, {"xterm", "", 80}), "\x1b[1m"));  // an empty NO_COLOR is ignored

    static_cast<void>(on_terminal({photo, missing}, {}, folder / "out"));
    CHECK_FALSE(contains(read_file(folder / "out"), "\x1b"));
    for (const char* format : {"jsonl", "csv"}) CHECK_FALSE(coloured(on_terminal({"--format", format, photo})));
}

TEST_CASE("tables and errors have colours on a terminal", "[cli]") {
    CHECK(contains(on_terminal({"--info"}), "\x1b[1mstage "));
    CHECK_FALSE(contains(on_terminal({"--info"}, {"xterm", "1", 80}), "\x1b"));
    CHECK(contains(on_terminal({"--bogus"}), "\x1b[31mclassify:\x1b[0m unknown option --bogus"));
    CHECK_FALSE(contains(on_terminal({"--bogus"}, {"xterm", "1", 80}), "\x1b"));
}

TEST_CASE("a progress bar on a terminal shows progress and remaining time, and is cleared at the end", "[cli]") {
    const temporary_folder folder;
    const std::vector<std::string> arguments = photos(folder);
    const std::string text = on_terminal(arguments, {}, folder / "out");
    CHECK(contains(text, "\r\x1b[K[#"));
    CHECK(contains(text, "/60, "));
    CHECK(contains(text, " per second, "));
    CHECK(contains(text, " s left"));
    CHECK(text.ends_with("\r\x1b[K"));
    CHECK(lines_of(read_file(folder / "out")).size() == 120);
    CHECK(longest_drawing(text) > 40);
    CHECK(contains(on_terminal(arguments, {"xterm", "1", 80}, folder / "out"), "\r\x1b[K[#"));  // no colour, but a bar
    CHECK_FALSE(contains(on_terminal(arguments, {"dumb", nullptr, 80}, folder / "out"), "per second"));

    const std::string narrow = on_terminal(arguments, {"xterm", nullptr, 50}, folder / "out");
    CHECK(contains(narrow, "/60, "));
    CHECK(longest_drawing(narrow) < 50);
}

TEST_CASE("an evaluation has a progress bar and a bold heading", "[cli]") {
    const temporary_folder folder;
    static_cast<void>(photos(folder));
    std::filesystem::create_directories(folder / "parachute");
    std::filesystem::create_symlink(CVT_IMAGES "/golf_ball.png", folder / "parachute/a.png");
    const std::string text = on_terminal({"--evaluate", folder.path()});
    CHECK(contains(text, "/61, "));
    CHECK(contains(text, "\r\x1b[Kimages   61 in 2 classes"));
    CHECK(contains(text, "\x1b[1mhardest classes"));
    CHECK_FALSE(contains(on_terminal({"--format", "jsonl", "--evaluate", folder.path()}, {"xterm", "1", 80}, folder / "out"), "\x1b[1m"));
}
