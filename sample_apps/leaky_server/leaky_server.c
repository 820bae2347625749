/*
 * leaky_server.c - a request loop that forgets to close the session on its error path.
 *
 * Every request opens a session and builds a response. Where the lookup fails the handler returns
 * early, and the session (two blocks) is lost: a leak that grows with the traffic.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../options.h"

struct session {
    uint64_t session_id;
    uint64_t request_count;
    char *user;
};

struct request {
    uint64_t number;
    char *path;
};

struct totals {
    uint64_t allocations;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
    uint64_t response_bytes;
};

enum {
    RESPONSE_BYTES = 256,
    LONG_RESPONSE_BYTES = 2048
};

static void out_of_memory(void)
{
    fputs("leaky_server: out of memory\n", stderr);
    exit(3);
}

static struct session *session_open(uint64_t number, struct totals *totals)
{
    struct session *session = calloc(1, sizeof(*session));
    char user[32];
    snprintf(user, sizeof(user), "user-%06u", (unsigned)(number % 1000000));
    char *user_copy = strdup(user);
    if (session == NULL || user_copy == NULL) {
        out_of_memory();
    }

    session->session_id = number;
    session->user = user_copy;
    totals->allocations += 2;
    return session;
}

static void session_close(struct session *session)
{
    free(session->user);
    free(session);
}

static struct request *request_parse(uint64_t number, struct totals *totals)
{
    struct request *request = malloc(sizeof(*request));
    char path[64];
    snprintf(path, sizeof(path), "/articles/%llu/comments", (unsigned long long)(number * 7919));
    char *path_copy = strdup(path);
    if (request == NULL || path_copy == NULL) {
        out_of_memory();
    }

    request->number = number;
    request->path = path_copy;
    totals->allocations += 2;
    return request;
}

static void request_free(struct request *request)
{
    free(request->path);
    free(request);
}

static char *response_render(const struct request *request, struct totals *totals)
{
    char *response = malloc(RESPONSE_BYTES);
    if (response == NULL) {
        out_of_memory();
    }

    totals->allocations++;
    int length = snprintf(response, RESPONSE_BYTES, "200 OK %s", request->path);
    if (request->number % 4 == 0) {
        char *longer = realloc(response, LONG_RESPONSE_BYTES);
        if (longer == NULL) {
            out_of_memory();
        }
        response = longer;
        totals->allocations++;
        memset(response + length, '.', 1000);
        response[length + 1000] = '\0';
    }
    return response;
}

static void handle_request(uint64_t number, uint64_t leak_every, struct totals *totals)
{
    struct request *request = request_parse(number, totals);
    struct session *session = session_open(number, totals);
    session->request_count++;

    if (number % leak_every == 0) {
        /* The bug: "404 not found" goes home without session_close(). */
        totals->leaked_blocks += 2;
        totals->leaked_bytes += sizeof(*session) + strlen(session->user) + 1;
        request_free(request);
        return;
    }

    char *response = response_render(request, totals);
    totals->response_bytes += strlen(response);
    free(response);
    session_close(session);
    request_free(request);
}

static const char help[] = "leaky_server - a request loop that loses sessions\n\n"
                           "usage: leaky_server [--requests N] [--leak-every N]\n"
                           "  --requests N     requests to serve (default 1000)\n"
                           "  --leak-every N   every Nth request loses its session (default 10)\n";

int main(int argc, char **argv)
{
    uint64_t requests = 1000;
    uint64_t leak_every = 10;
    const struct app_option options[] = {
        {"requests", .number = &requests},
        {"leak-every", .number = &leak_every, .min = 1},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    struct totals totals = {0};
    for (uint64_t number = 1; number <= requests; number++) {
        handle_request(number, leak_every, &totals);
    }

    printf("served %llu requests, %llu bytes\n", (unsigned long long)requests,
           (unsigned long long)totals.response_bytes);
    printf("allocations: %llu, leaked: %llu blocks, %llu bytes\n",
           (unsigned long long)totals.allocations, (unsigned long long)totals.leaked_blocks,
           (unsigned long long)totals.leaked_bytes);
    return 0;
}
