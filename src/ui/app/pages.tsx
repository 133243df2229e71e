/** Which page an address is. Each is loaded when it is first gone to. */
import { lazy, Suspense, type ComponentType } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { Loading } from '../parts/states.tsx';
import { Nowhere } from '../shell/nowhere.tsx';
import { PageFault } from './page-fault.tsx';

const page = <N extends string>(load: () => Promise<Record<N, ComponentType>>, name: N) =>
  lazy(async () => ({ default: (await load())[name] }));

const Dashboard = page(() => import('../dashboard/dashboard.tsx'), 'Dashboard');
const Messages = page(() => import('../messages/messages.tsx'), 'Messages');
const Message = page(() => import('../message/message.tsx'), 'Message');
const Conversations = page(() => import('../conversations/conversations.tsx'), 'Conversations');
const Conversation = page(() => import('../conversation/conversation.tsx'), 'Conversation');
const Queue = page(() => import('../queue/queue.tsx'), 'Queue');
const QueueEntry = page(() => import('../queue/entry.tsx'), 'QueueEntry');
const Quarantine = page(() => import('../quarantine/quarantine.tsx'), 'Quarantine');
const Held = page(() => import('../quarantine/held.tsx'), 'Held');
const Troubleshoot = page(() => import('../troubleshoot/troubleshoot.tsx'), 'Troubleshoot');
const Milters = page(() => import('../milters/milters.tsx'), 'Milters');
const MilterForm = page(() => import('../milters/milter-page.tsx'), 'MilterPage');
const Listeners = page(() => import('../settings/listeners.tsx'), 'Listeners');
const Delivery = page(() => import('../settings/delivery.tsx'), 'Delivery');
const Users = page(() => import('../settings/users.tsx'), 'Users');
const System = page(() => import('../settings/system.tsx'), 'System');

export function Pages() {
  const [path] = useLocation();
  return (
    <PageFault path={path}>
      <Suspense fallback={<Loading what="the page" />}>
        <Switch>
          <Route path="/" component={Dashboard} />
          <Route path="/messages" component={Messages} />
          <Route path="/messages/:id/:tab?" component={Message} />
          <Route path="/conversations" component={Conversations} />
          <Route path="/conversations/:session" component={Conversation} />
          <Route path="/queue/entry/:id" component={QueueEntry} />
          <Route path="/queue/:tab?" component={Queue} />
          <Route path="/quarantine" component={Quarantine} />
          <Route path="/quarantine/:id" component={Held} />
          <Route path="/troubleshoot/:tab?" component={Troubleshoot} />
          <Route path="/settings/mta/filters/milters" component={Milters} />
          <Route path="/settings/mta/filters/milters/:name" component={MilterForm} />
          <Route path="/settings/mta/listeners" component={Listeners} />
          <Route path="/settings/mta/delivery" component={Delivery} />
          <Route path="/settings/users" component={Users} />
          <Route path="/settings/system" component={System} />
          <Route component={Nowhere} />
        </Switch>
      </Suspense>
    </PageFault>
  );
}
