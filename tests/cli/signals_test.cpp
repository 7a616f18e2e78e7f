// How a run ends: by an interrupt, a closed pipe, a full disk.
#include <poll.h>
#include <sys/stat.h>

#include <cvt/extra/npy.hpp>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

/// `options`, and 300 missing images, whose records do not fit into a pipe.
std::vector<std::string> with_more_than_a_pipe_holds(std::vector<std::string> options) {
    options.insert(options.end(), 300, std::string(200, 'x'));
    return options;
}

/// Time to fill a pipe, in microseconds.
const useconds_t until_full = *CVT_TEST_EMULATOR == '\0' ? 1'000'000 : 20'000'000;

}  // namespace

TEST_CASE("an interrupt leaves whole records and exit code 130", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    running_classify run{{"--format", "jsonl", "--threads", "2", "--logits", folder / "l.npy", "-"}};
    run.write(photo + '\n' + photo + '\n');
    CHECK(parse_json(run.read_line()).contains("top"));
    CHECK(parse_json(run.read_line()).contains("top"));  // now it waits for a third path
    run.interrupt();
    CHECK(run.read_output().empty());
    CHECK(run.wait() == 130);
    const auto logits = cvt::read_npy((folder / "l.npy").c_str());
    REQUIRE(logits);
    CHECK(logits->shape[0] == 2);
}

TEST_CASE("an interrupt ends the reading of an endless line or archive", "[cli]") {
    const temporary_folder folder;
    const std::string tar = folder / "zero.tar", out = folder / "out.jsonl";
    std::filesystem::create_symlink("/dev/zero", tar);
    for (const std::vector<std::string>& endless : {std::vector<std::string>{"-"}, {"--tar", tar}}) {
        CAPTURE(endless);
        std::vector<std::string> arguments{"--format", "jsonl", "--out", out, folder / "gone"};  // its record shows that the run has begun
        arguments.insert(arguments.end(), endless.begin(), endless.end());
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(::open("/dev/zero", O_RDONLY | O_CLOEXEC), 0);
            become_classify(arguments);
        }
        while (!std::filesystem::exists(out) || read_file(out).empty()) ::usleep(10'000);
        ::kill(child, SIGINT);
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 130));
        std::filesystem::remove(out);
    }
}

TEST_CASE("an interrupt before a pipe is opened ends the wait for its reader", "[cli]") {
    const temporary_folder folder;
    const std::string labels = folder / "labels", pipe = folder / "pipe", photo = write_png(folder / "a.png");
    for (const std::string& fifo : {labels, pipe}) REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    for (const char* option : {"--out", "--logits"}) {
        CAPTURE(option);
        running_classify run{{"--labels", labels, option, pipe, photo}};
        std::ofstream names{labels};  // opens when the program reads it; then signals are caught
        run.interrupt();
        // The program may end before it has read the names.
        const auto before = std::signal(SIGPIPE, SIG_IGN);
        names << "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        names.close();
        std::signal(SIGPIPE, before);
        CHECK(run.wait() == 130);
    }
}

TEST_CASE("after an interrupt the record in progress is finished", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    // A million timed runs would take hours: only the interrupt ends them.
    running_classify run{{"--format", "jsonl", "--repeat", "1000000", "--size", "32", photo, photo}};
    run.wait_for_work(*CVT_TEST_EMULATOR == '\0' ? 0.5 : 10);  // the timed runs have begun
    run.interrupt();
    CHECK(parse_json(run.read_line()).contains("top"));
    CHECK(run.read_output().empty());  // the second photo is not begun
    CHECK(run.wait() == 130);
}

TEST_CASE("an interrupt while the output pipe is full leaves whole records and exit code 130", "[cli]") {
    running_classify run{with_more_than_a_pipe_holds({"--format", "jsonl"})};
    ::usleep(until_full);
    run.interrupt();
    CHECK(run.wait() == 130);
    CHECK(run.read_messages().empty());
    const std::string out = run.read_output();
    CHECK(out.ends_with('\n'));
    CHECK(lines_of(out).size() > 100);
    CHECK(lines_of(out).size() < 300);
}

TEST_CASE("an image whose read is interrupted has no record and is redone", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), slow = folder / "slow.png", out = folder / "out.jsonl";
    REQUIRE(::mkfifo(slow.c_str(), 0600) == 0);  // has no writer
    const std::vector<std::string> arguments{"--size", "32", "--format", "jsonl", "--out", out, "--resume", photo, slow, photo};
    {
        running_classify run{arguments};
        while (read_file(out).empty()) ::usleep(10'000);
        ::usleep(300'000);
        run.interrupt();
        CHECK(run.wait() == 130);
        CHECK(lines_of(read_file(out)).size() == 1);
    }
    std::filesystem::remove(slow);
    write_png(slow);
    CHECK(classify(arguments).code == 0);
    CHECK(lines_of(read_file(out)).size() == 3);
}

TEST_CASE("an archive whose read is interrupted is not a failure of any shard", "[cli]") {
    const temporary_folder folder;
    const std::string pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    for (const char* part : {"0/2", "1/2"}) {
        CAPTURE(part);
        running_classify run{{"--tar", "--format", "jsonl", "--shard", part, pipe}};
        const int writer = ::open(pipe.c_str(), O_WRONLY | O_CLOEXEC);  // opens when the program does
        ::usleep(300'000);
        run.interrupt();
        CHECK(run.wait() == 130);
        CHECK(run.read_messages().empty());
        CHECK(run.read_output().empty());
        ::close(writer);
    }
}

TEST_CASE("an interrupt ends the writing to --out if that is a full pipe", "[cli]") {
    const temporary_folder folder;
    const std::string pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    running_classify run{with_more_than_a_pipe_holds({"--format", "jsonl", "--out", pipe})};
    ::usleep(until_full);
    run.interrupt();
    CHECK(run.wait() == 130);
    CHECK(run.read_messages().empty());
    ::close(reader);
}

TEST_CASE("classify waits for standard output in non-blocking mode", "[cli]") {
    const temporary_folder folder;
    const std::string pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC),
              writer = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::vector<std::string> arguments = with_more_than_a_pipe_holds({"--format", "jsonl"});
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(writer, 1);
        become_classify(arguments);
    }
    ::close(writer);
    ::usleep(until_full);
    std::string out;
    char block[4096];
    pollfd more{reader, POLLIN, 0};
    while (::poll(&more, 1, 60'000) == 1) {
        const ssize_t got = ::read(reader, block, sizeof block);
        if (got <= 0) break;
        out.append(block, static_cast<std::size_t>(got));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(reader);
    CHECK(WEXITSTATUS(status) == 1);  // no such files
    CHECK(lines_of(out).size() == 300);
}

TEST_CASE("a run ends if the reader of --out closes the pipe", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    running_classify run{{"--size", "32", "--format", "jsonl", "--out", pipe, "-"}};
    run.write(photo + '\n');
    pollfd record{reader, POLLIN, 0};
    CHECK(::poll(&record, 1, 60'000) == 1);
    ::close(reader);
    run.write(photo + '\n');
    run.close_input();
    CHECK(run.read_messages().find(pipe + " cannot be written: Broken pipe") != std::string::npos);
    CHECK(run.wait() == 1);
}

TEST_CASE("a run ends quietly if the reader of standard output closes the pipe", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    running_classify run{{"--format", "jsonl", "-"}};
    run.write(photo + '\n');
    CHECK_FALSE(run.read_line().empty());
    run.close_output();
    run.write(photo + '\n');
    CHECK(run.read_messages().empty());
    CHECK(run.wait() == 141);
}

TEST_CASE("records that cannot be written are an error", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    const std::string command = shell_classify + std::string{" '"} + photo + "' > /dev/full 2> '" + folder / "err" + "'";
    const int status = std::system(command.c_str());
    CHECK(WEXITSTATUS(status) == 1);
    CHECK(read_file(folder / "err").find("standard output cannot be written") != std::string::npos);
}

TEST_CASE("a closed standard output is an error, and no other file gets its descriptor", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    const std::string command =
        shell_classify + std::string{" --logits "} + (folder / "l.npy") + ' ' + photo + " >&- 2>" + (folder / "err");
    const int status = std::system(command.c_str());
    CHECK(WEXITSTATUS(status) == 1);
    CHECK(read_file(folder / "err").find("standard output cannot be written") != std::string::npos);
    const auto logits = cvt::read_npy((folder / "l.npy").c_str());
    REQUIRE(logits);
    CHECK(logits->shape[0] == 1);
}
