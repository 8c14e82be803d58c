/* A web server of one page and no dependencies: linked statically it is all that its machine contains. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PORT 8080

static const char answer[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 33\r\n"
    "Connection: close\r\n"
    "\r\n"
    "one file, no shell, no packages.\n";

/* Process 1 has no default action for signals. */
static void end(int signal) {
    (void)signal;
    _exit(0);
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(void) {
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGPIPE, SIG_IGN);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = INADDR_ANY};
    if (listener < 0) fail("socket");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) fail("setsockopt");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) fail("bind");
    if (listen(listener, 16) != 0) fail("listen");
    printf("listening on %d\n", PORT);
    fflush(stdout);

    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) continue;
        /* One visitor at a time: none may keep the others waiting for long. */
        struct timeval patience = {.tv_sec = 1};
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        char request[4096];
        size_t length = 0;
        ssize_t got;
        while (length < sizeof request - 1 && (got = read(client, request + length, sizeof request - 1 - length)) > 0) {
            length += (size_t)got;
            request[length] = '\0';
            if (strstr(request, "\r\n\r\n")) break;
        }
        if (length > 0 && write(client, answer, sizeof answer - 1) < 0) perror("write");
        close(client);
    }
}
