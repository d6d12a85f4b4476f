import test from 'ava';
import { noticeText } from '../../../../client/gallery/rules/notice.js';

test('a file’s name is said once', (t) => {
  t.is(noticeText({ name: 'a.jpg', message: 'a.jpg is empty' }), 'a.jpg is empty');
  t.is(noticeText({ name: 'a.jpg', message: 'It is a link.' }), 'a.jpg: It is a link.');
  t.is(noticeText({ name: '', message: 'Too many.' }), 'Too many.');
});
