// Every family of routes, through the generated client of TypeScript (fetch).

import * as chatchit from "./client/typescript-fetch";

declare const process: { env: Record<string, string>; exitCode: number };

const PASSWORD = "correct horse";

function ensure(holds: unknown, what: string): asserts holds {
    if (!holds) throw new Error(`not so: ${what}`);
}

/** That a request is refused so. */
async function refused(asked: Promise<unknown>, status: number, code: string) {
    const error = await asked.then(() => undefined, (error) => error);
    ensure(error instanceof chatchit.ResponseError && error.response.status === status, `${code} is ${status}`);
    const problem = chatchit.ProblemFromJSON(await error.response.json());
    ensure(problem.code === code && problem.requestId, `${code}, with the request`);
}

let position = 0;

/** Its reads show what any of them wrote before. */
const inOrder: chatchit.Middleware = {
    pre: async ({ url, init }) => {
        const reads = init.method === "GET" && position > 0;
        return reads ? { url, init: { ...init, headers: { ...init.headers, "X-ChatChit-Position": `${position}` } } } : undefined;
    },
    post: async ({ response }) => {
        position = Math.max(position, Number(response.headers.get("X-ChatChit-Position") ?? 0));
    },
};

/** Somebody's API of each family. */
class Person {
    token?: string;
    readonly configuration = new chatchit.Configuration({
        basePath: process.env.DOOR_A,
        accessToken: () => this.token ?? "",
        middleware: [inOrder],
    });
    readonly auth = new chatchit.AuthApi(this.configuration);
    readonly users = new chatchit.UsersApi(this.configuration);
    readonly friends = new chatchit.FriendsApi(this.configuration);
    readonly conversations = new chatchit.ConversationsApi(this.configuration);
    readonly invites = new chatchit.InvitesApi(this.configuration);
    readonly messages = new chatchit.MessagesApi(this.configuration);
    readonly calls = new chatchit.CallsApi(this.configuration);
    readonly files = new chatchit.FilesApi(this.configuration);
    readonly stories = new chatchit.StoriesApi(this.configuration);
    readonly presence = new chatchit.PresenceApi(this.configuration);
    readonly sync = new chatchit.SyncApi(this.configuration);
    readonly reports = new chatchit.ReportsApi(this.configuration);
    readonly admin = new chatchit.AdminApi(this.configuration);
    readonly audit = new chatchit.AuditApi(this.configuration);
    readonly monitoring = new chatchit.MonitoringApi(this.configuration);
    readonly documents = new chatchit.DocumentsApi(this.configuration);

    async register(name: string) {
        const email = `${name}-${crypto.randomUUID()}@test.example`;
        const registration = { email, password: PASSWORD, firstName: name, lastName: "Test" };
        const signedIn = await this.auth.register({ registration });
        this.token = signedIn.accessToken;
        return signedIn;
    }
}

async function main() {
    const [ana, ben, root] = [new Person(), new Person(), new Person()];
    const [anna, benny] = [await ana.register("ana"), await ben.register("ben")];
    root.token = process.env.ADMIN_TOKEN;

    const renewal = { refreshToken: anna.refreshToken };
    ana.token = (await ana.auth.refreshTokens({ renewal })).accessToken;
    ensure((await ana.auth.listSessions()).items[0].current, "the session is this one");

    const preferences = { theme: ["dark", 1] };
    const me = await ana.users.updateMe({ profileUpdate: { firstName: "Anna", preferences } });
    ensure(me.firstName === "Anna" && JSON.stringify(me.preferences) === JSON.stringify(preferences), "the profile");
    ensure((await ben.users.getUser({ id: me.id })).avatarUrl === null, "what is not there is null");

    await ana.friends.requestFriendship({ memberChange: { userId: benny.user.id } });
    const [request] = (await ben.friends.listFriendRequests({ direction: "in" })).items;
    ensure(request.user.id === me.id && request.direction === "in", "the request");
    ensure((await ben.friends.acceptFriendRequest({ userId: me.id })).status === "accepted", "the friendship");

    const newConversation = { type: "group", title: "A", members: [benny.user.id] } as const;
    const group = await ana.conversations.createConversation({
        newConversation: { ...newConversation, members: [...newConversation.members] },
    });
    ensure(group.myRole === "lead" && group.lastMessage === null, "the group");
    const settings = { id: group.id, settingsUpdate: { title: null } };
    ensure((await ana.conversations.updateConversation(settings)).title === null, "the title is gone");
    ensure((await ana.conversations.listMembers({ id: group.id })).items.length === 2, "two members");

    const invite = await ana.invites.createInvite({ id: group.id, newInvite: { maxUses: 2 } });
    const cora = new Person();
    await cora.register("cora");
    ensure((await cora.invites.acceptInvite({ code: invite.code })).myStatus === "active", "cora came");

    const newMessage = { guid: crypto.randomUUID(), content: "hello", messageType: "TEXT" } as const;
    const sent = await ana.messages.sendMessage({ id: group.id, idempotencyKey: "a key", newMessage });
    ensure(sent.id === newMessage.guid && sent.status === "SENT" && sent.editedAt === null, "the message");
    for (const upTo of [sent.seq, sent.id]) {
        const marked = await ben.messages.markRead({ id: group.id, markedUpTo: { upTo } });
        ensure(marked.readSeq === sent.seq, "it is read");
    }
    await ben.messages.addReaction({ id: sent.id, emoji: "👍" });
    ensure((await ana.messages.listMessages({ id: group.id })).items[0].reactions[0].count === 1, "the reaction");
    ensure((await ana.messages.searchMessages({ q: "hello" })).items[0].highlights.length === 1, "it is found");

    await ana.calls.getIceServers();
    const newCall = { conversationId: group.id, callType: "VIDEO", signalData: [1, "two", null] } as const;
    await refused(ana.calls.initiateCall({ newCall }), 409, "user_not_online");

    const stored = await ana.files.uploadFiles({ file: [new File(["some text"], "a note.txt")] });
    ensure("id" in stored && stored.size === 9, "the file");
    ensure((await (await ana.files.getFile({ id: stored.id })).text()) === "some text", "its content");

    const newStory = { content: "a story", audience: [benny.user.id] };
    const story = await ana.stories.postStory({ newStory });
    ensure((await ben.stories.likeStory({ id: story.id })).liked, "the like");
    ensure((await ana.stories.postStory({ newStory: { content: "another", audience: "friends" } })).id, "for friends");

    const newPresence = { status: "busy", text: "at work" } as const;
    ensure((await ana.presence.setPresence({ newPresence })).chosen === "busy", "the presence");
    const { cursor } = await ana.sync.sync({});
    ensure((await ana.sync.sync({ since: cursor })).recovered, "what was missed");

    const report = await ana.reports.createReport({ newReport: { userId: benny.user.id, reason: "spam" } });
    const newVerdict = { status: "REJECTED", rejectedReason: "no" } as const;
    ensure((await root.admin.decideReport({ id: report.id, newVerdict })).decidedAt, "the verdict");
    const [event] = (await root.audit.listAuditEvents({ limit: 1 })).items;
    ensure((await root.audit.getSignedHead()).position >= event.position, "the log");
    ensure((await root.monitoring.getReadiness()).status, "the server is well");
    ensure(await root.documents.getAsyncApi(), "the document");

    await refused(ana.conversations.listConversations({ after: "nonsense" }), 422, "invalid");
    await ana.auth.logout();
    await refused(ana.users.getMe(), 401, "invalid_token");
    console.log("the client of TypeScript went through every family of routes");
}

main().catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
